const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const nicknames: Readonly<Record<string, string>> = {
  '@yearly': 'every year',
  '@annually': 'every year',
  '@monthly': 'every month',
  '@weekly': 'every week',
  '@daily': 'every day at 00:00',
  '@midnight': 'every day at 00:00',
  '@hourly': 'every hour',
};

/** A cron expression in words (`every 15 minutes`, `every Monday at 06:30`); as it is written where it has no short ones. */
export function cronWords(cron: string): string {
  const nickname = nicknames[cron.toLowerCase()];
  if (nickname !== undefined) return nickname;
  const [minute = '', hour = '', day, month, weekday = ''] = cron.trim().split(/\s+/);
  if (day !== '*' || month !== '*') return cron;
  if (weekday === '*' && hour === '*') return everyMinutes(minute) ?? cron;
  const hours = /^\*\/(\d+)$/.exec(hour)?.[1];
  if (weekday === '*' && hours !== undefined && /^\d+$/.test(minute) && 24 % Number(hours) === 0)
    return `every ${hours} hours${minute === '0' ? '' : `, at minute ${minute}`}`;
  if (!/^\d+$/.test(minute) || !/^\d+(,\d+)*$/.test(hour)) return cron;
  const at = hour.split(',').map((h) => `${h.padStart(2, '0')}:${minute.padStart(2, '0')}`);
  const days = dayWords(weekday);
  return days === undefined ? cron : `${days} at ${at.join(', ')}`;
}

function everyMinutes(minute: string): string | undefined {
  if (minute === '*') return 'every minute';
  if (minute === '0') return 'every hour';
  const step = Number(/^\*\/(\d+)$/.exec(minute)?.[1]);
  if (step === 1) return 'every minute';
  if (60 % step === 0) return `every ${step} minutes`;
  return /^\d+$/.test(minute) ? `every hour, at minute ${minute}` : undefined;
}

function dayWords(weekday: string): string | undefined {
  if (weekday === '*') return 'every day';
  if (weekday === '1-5') return 'Monday to Friday';
  if (!/^[0-7](,[0-7])*$/.test(weekday)) return undefined;
  return `every ${weekday
    .split(',')
    .map((day) => weekdays[Number(day) % 7])
    .join(', ')}`;
}
