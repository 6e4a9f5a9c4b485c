import { parseArgs } from 'node:util';
import { openBed, root } from './bed.ts';
import { daemon } from './daemon.ts';
import { lakeNames, memory } from './memory.ts';
import { run } from './process.ts';
import { speed } from './speed.ts';

/**
 * Measures the engine on real servers that it starts itself. Prints one table.
 *
 * npm run bench -- --rows 3000000 --changed 40000 --pairs 5 [--without-others]
 * npm run bench -- --memory --rows 10000000,30000000 --lake file,s3
 * npm run bench -- --daemon --pipelines 200 --runs 50000 --events 2000000 --open 10 [--keep]
 */
const { values: options } = parseArgs({
  options: {
    memory: { type: 'boolean', default: false },
    daemon: { type: 'boolean', default: false },
    pipelines: { type: 'string', default: '200' },
    runs: { type: 'string', default: '50000' },
    events: { type: 'string', default: '2000000' },
    open: { type: 'string', default: '10' },
    rows: { type: 'string' },
    lake: { type: 'string', default: lakeNames.join(',') },
    changed: { type: 'string', default: '40000' },
    pairs: { type: 'string', default: '5' },
    'without-others': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

function wholeNumbers(option: string, text: string): readonly number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.some((n) => !Number.isSafeInteger(n) || n < 1)) throw new Error(`--${option} takes whole numbers above 0, not ${text}`);
  return numbers;
}

const sizes = wholeNumbers('rows', options.rows ?? (options.memory ? '10000000,30000000' : '3000000'));
const [changed = 1] = wholeNumbers('changed', options.changed);
const [pairs = 1] = wholeNumbers('pairs', options.pairs);
const [rows = 1] = sizes;
const lakes = options.lake.split(',');
const unknown = lakes.filter((name) => !lakeNames.includes(name));
if (unknown.length > 0) throw new Error(`--lake: ${unknown.join(', ')} is unknown; there are ${lakeNames.join(', ')}`);
if (!options.memory && changed > rows) throw new Error('--changed cannot be more than --rows');
if (!options.memory) await run('psql', ['--version'], { cwd: root });

if (options.daemon) {
  const [pipelines = 1] = wholeNumbers('pipelines', options.pipelines);
  const [runs = 1] = wholeNumbers('runs', options.runs);
  const [events = 1] = wholeNumbers('events', options.events);
  const [openMinutes = 1] = wholeNumbers('open', options.open);
  await daemon({ pipelines, runs, events }, openMinutes, options.keep);
} else {
  const bed = await openBed(options.keep);
  try {
    if (options.memory) await memory(bed, sizes, lakes);
    else await speed(bed, { rows, changed, pairs, others: !options['without-others'] });
  } finally {
    await bed.close();
  }
}
