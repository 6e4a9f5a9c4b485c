import { redact } from '../base/secret.ts';
import { whyUnanswered } from '../base/unanswered.ts';
import { EngineError } from '../error.ts';

const timeoutMs = 10_000;
/** Of what a server says of its refusal. */
const mostShown = 200;
/** A part of a path that is shorter is a word. */
const shortestSecret = 8;

/** Asks a URL once. Any answer but 2xx, none within 10 s, and a redirection (a secret in the URL or a header must not travel on) is an EngineError `alarm.not-sent`. */
export async function ask(
  url: string,
  request: { readonly method: 'GET' | 'POST'; readonly headers?: Readonly<Record<string, string>>; readonly body?: string },
): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch(url, { ...request, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    throw notSent(`${hostOf(url)} ${whyUnanswered(error, timeoutMs)}`, error);
  }
  const said = await beginningOf(answer).catch(() => '');
  if (answer.ok) return;
  if (answer.status >= 300 && answer.status < 400)
    throw notSent(`${hostOf(url)} answered ${answer.status}: it sends one on to ${locationOf(answer, url)}, which is not followed`);
  throw notSent(`${hostOf(url)} answered ${answer.status}${said.trim() === '' ? '' : `: ${plain(withoutPath(said, url))}`}`);
}

/** What keeps an alarm from being sent; without secrets, on one line. */
export function notSent(why: string, cause?: unknown): EngineError {
  return new EngineError('outside', 'alarm.not-sent', plain(why, 500), {
    ...(cause === undefined ? {} : { cause }),
    hint: 'It is tried again by itself. Look at the channel in pipelines.yaml; engine alerts test tries it at once.',
    retryable: true,
  });
}

/** Only as much of the body as may be shown: a server that does not end its answer must not fill this process. */
async function beginningOf({ body, ok }: Response): Promise<string> {
  if (body === null) return '';
  if (ok) {
    await body.cancel();
    return '';
  }
  const decoder = new TextDecoder();
  let text = '';
  // Left early, the loop cancels the rest.
  for await (const part of body) {
    text += decoder.decode(part, { stream: true });
    if (text.length >= 10 * mostShown) break;
  }
  return text;
}

function plain(text: string, most = mostShown): string {
  return redact(text.slice(0, 10 * most))
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, ' ')
    .trim()
    .slice(0, most);
}

function hostOf(url: string): string {
  return new URL(url).host;
}

/** Servers say which address they don't know (`Cannot POST /services/...`), and in that address is what lets one in. */
function withoutPath(text: string, url: string): string {
  const { pathname, search } = new URL(url);
  return [pathname + search, pathname, search, ...pathname.split('/').filter((part) => part.length >= shortestSecret)]
    .filter((part) => part.length > 1)
    .reduce((shown, part) => shown.replaceAll(part, '***'), text);
}

/** The host only: more of it may be a secret. */
function locationOf(answer: Response, url: string): string {
  const location = answer.headers.get('location') ?? '';
  return URL.canParse(location, url) ? new URL(location, url).host : 'another place';
}
