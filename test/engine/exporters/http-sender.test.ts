import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import { createSender, type Sender } from '../../../engine/exporters/http-sender.ts';
import { type HttpListener, listenHttp } from '../../support/listeners.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

suite('lineage is posted in order, and never in the way', ({ test, before, after }) => {
  let listener: HttpListener;
  before(async () => {
    listener = await listenHttp();
  });
  after(() => listener.close());

  const open = (url = `${listener.url}/lineage`): { readonly sender: Sender; readonly warned: string[] } => {
    listener.heard.length = 0;
    listener.answer = () => ({ status: 201 });
    const warned: string[] = [];
    const sender = createSender({
      url: new URL(url),
      headers: { authorization: 'Bearer secret-of-lineage' },
      clock: systemClock,
      warn: (text) => warned.push(text),
    });
    return { sender, warned };
  };
  const numbers = (): readonly number[] => listener.heard.map(({ body }) => (JSON.parse(body) as { readonly n: number }).n);

  test('one at a time, in the order in which they were given, whatever takes its time to be made', async () => {
    const { sender, warned } = open();
    sender.send('a run', () => new Promise((resolve) => setImmediate(() => resolve({ n: 1 }))));
    sender.send('a run', async () => ({ n: 2 }));
    sender.send('a run', async () => undefined);
    sender.send('a run', async () => ({ n: 3 }));
    await sender.close(5_000);
    assert.equal([numbers(), warned], [[1, 2, 3], []]);
    assert.is(listener.heard[0]?.headers.authorization, 'Bearer secret-of-lineage');
  });

  test('of several runs eight go side by side, each in its own order', async () => {
    const { sender, warned } = open();
    listener.answer = () => 'hang';
    for (let n = 1; n <= 20; n += 1) for (const what of ['start', 'end']) sender.send(`run ${n}`, async () => ({ n, what }));
    await waitUntil(() => listener.heard.length === 8, 'eight are asked for');
    assert.equal(
      [...numbers()].sort((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert.ok(listener.heard.every(({ body }) => body.includes('start')));
    await sender.close(50);
    assert.is(listener.heard.length, 8);
    assert.match(warned.join('\n'), /^40 lineage events were not taken/);
  });

  test('every run of many ends after it began', async () => {
    const { sender, warned } = open();
    for (let n = 1; n <= 100; n += 1) for (const what of ['start', 'end']) sender.send(`run ${n}`, async () => ({ n, what }));
    await sender.close(5_000);
    assert.equal(warned, []);
    const order = new Map<number, string[]>();
    for (const { body } of listener.heard) {
      const { n, what } = JSON.parse(body) as { readonly n: number; readonly what: string };
      order.set(n, [...(order.get(n) ?? []), what]);
    }
    assert.is(order.size, 100);
    for (const [n, found] of order) assert.equal(found, ['start', 'end'], `run ${n}`);
  });

  test('a server that is away for a moment is asked again, and order is kept', async () => {
    const { sender, warned } = open();
    listener.answer = () => ({ status: listener.heard.length === 1 ? 503 : 200 });
    for (const n of [1, 2]) sender.send('a run', async () => ({ n }));
    await sender.close(5_000);
    assert.equal([numbers(), warned], [[1, 1, 2], []]);
  });

  test('what is refused for good is not sent again, is said once, and the rest is tried', async () => {
    const { sender, warned } = open();
    listener.answer = ({ body }) => ({ status: body.includes('3') ? 200 : 401 });
    for (const n of [1, 2, 3]) sender.send('a run', async () => ({ n }));
    await sender.close(5_000);
    assert.equal(numbers(), [1, 2, 3]);
    assert.match(warned[0] ?? '', /^lineage is not sent: 127\.0\.0\.1:\d+ answered 401\. The run goes on without it$/);
    assert.match(warned[1] ?? '', /^2 lineage events were not taken/);
    assert.is(warned.length, 2);
  });

  test('a server that stays away costs its second tries once, not for each event', async () => {
    const { sender, warned } = open();
    listener.answer = () => ({ status: 500 });
    for (let n = 1; n <= 20; n += 1) sender.send('a run', async () => ({ n }));
    const began = Date.now();
    await sender.close(5_000);
    assert.is(listener.heard.length, 22);
    assert.ok(Date.now() - began < 4_000);
    assert.match(warned.join('\n'), /answered 500[\s\S]*20 lineage events were not taken/);
  });

  test('nobody there: said once, with the host and without a path', async () => {
    const gone = await listenHttp();
    await gone.close();
    const { sender, warned } = open(`${gone.url}/path-with-a-secret`);
    sender.send('a run', async () => ({ n: 1 }));
    await sender.close(5_000);
    assert.is(warned.length, 1);
    assert.match(warned[0] ?? '', /refused the connection/);
    assert.not.match(warned[0] ?? '', /secret/);
  });

  test('a server that hangs is left when the time is over, and what waits is counted', async () => {
    const { sender, warned } = open();
    listener.answer = () => 'hang';
    for (const n of [1, 2, 3]) sender.send('a run', async () => ({ n }));
    await waitUntil(() => listener.heard.length === 1, 'the first is asked for');
    const began = Date.now();
    await sender.close(200);
    assert.ok(Date.now() - began < 1_000);
    assert.match(warned.join('\n'), /^3 lineage events were not taken by 127\.0\.0\.1:\d+; nothing else is affected$/);
  });

  test('no more than 10,000 wait, and what a hanging server does not take is not kept', async () => {
    const { sender, warned } = open();
    listener.answer = () => 'hang';
    let made = 0;
    for (let n = 1; n <= 10_500; n += 1)
      sender.send('a run', async () => {
        made += 1;
        return { n };
      });
    await waitUntil(() => listener.heard.length === 1, 'the first is asked for');
    assert.is(made, 1);
    assert.match(warned[0] ?? '', /is too slow: 10000 events wait for it/);
    await sender.close(50);
    assert.match(warned[1] ?? '', /^10500 lineage events were not taken/);
    assert.is(made, 1);
  });

  test('a redirection is not followed: the key would travel with it', async () => {
    const { sender, warned } = open();
    listener.answer = ({ path }) =>
      path === '/lineage' ? { status: 307, headers: { location: `${listener.url}/other` } } : { status: 200 };
    sender.send('a run', async () => ({ n: 1 }));
    await sender.close(5_000);
    assert.is(listener.heard.length, 1);
    assert.match(warned[0] ?? '', /answered 307/);
  });
});
