import type { Access } from '../access.ts';
import { makeCredential, tokenText } from '../base/credential.ts';
import { suggest } from '../base/suggest.ts';
import { whoHere } from '../base/who.ts';
import type { Command, CommandContext } from '../command.ts';
import { EngineError } from '../error.ts';
import { columns } from '../reporters/run-view.ts';

/** `engine token create|ls|revoke`: who may use the API from another machine. */
export const command: Command = {
  name: 'token',
  summary: 'make, list and revoke tokens of the API',
  description:
    'Whoever uses the API or the page from another machine shows a token. `create` prints a new one, once: the store keeps its SHA-256 and cannot show it again. `revoke` ends it and every browser that is logged in with it, at once.',
  arguments: [
    { name: 'action', summary: 'create, ls or revoke', required: true },
    { name: 'name', summary: 'whose it is: letters, digits, `.`, `_` and `-`', required: false },
  ],
  examples: ['engine token create alice', 'engine token ls', 'engine token revoke alice'],
  async run(context, input) {
    const [action, name] = input.arguments;
    if (action !== 'create' && action !== 'ls' && action !== 'revoke') {
      const near = typeof action === 'string' ? suggest(action, ['create', 'ls', 'revoke']) : undefined;
      throw new EngineError('usage', 'token.action', `token takes create, ls or revoke, not ${String(action)}`, {
        hint: near === undefined ? 'See engine token --help.' : `Did you mean \`engine token ${near}\`?`,
      });
    }
    const { access } = await context.store();
    if (access === undefined)
      throw new EngineError('usage', 'token.no-store', 'tokens need a state store that outlives the process', {
        hint: 'Remove `state: memory` from pipelines.yaml.',
      });
    if (action === 'ls') return list(context, access);
    if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
      throw new EngineError(
        'usage',
        'token.name',
        `engine token ${action} needs a name: letters, digits, \`.\`, \`_\` and \`-\`, at most 64`,
        {
          hint: `For example: engine token ${action} alice.`,
        },
      );
    return action === 'create' ? create(context, access, name) : revoke(context, access, name);
  },
};

async function create(context: CommandContext, access: Access, name: string): Promise<number> {
  // What the API calls those who need no token.
  if (['local', 'unknown'].includes(name.toLowerCase()))
    throw new EngineError('usage', 'token.name', `a token cannot be called ${name}`, { hint: 'Name it after who uses it.' });
  const { id, secret, hash } = makeCredential();
  if (!(await access.addToken({ id, name, hash, createdAt: new Date(context.clock.now()).toISOString() })))
    throw new EngineError('refused', 'token.there', `there is a token ${name} already`, {
      hint: `Choose another name, or end it with engine token revoke ${name}.`,
    });
  const token = tokenText({ id, secret });
  context.reporter.note('Keep it now: it is not shown again.');
  context.reporter.data({ name, token }, () => token);
  // After it was shown: it exists, whatever comes now.
  await record(context, access, 'create-token', name);
  return 0;
}

async function revoke(context: CommandContext, access: Access, name: string): Promise<number> {
  if (!(await access.revokeToken(name)))
    throw new EngineError('usage', 'token.unknown', `there is no token ${name}`, { hint: 'See engine token ls.' });
  await record(context, access, 'revoke-token', name);
  context.reporter.data({ name, revoked: true }, () => `revoked: ${name}`);
  return 0;
}

async function list(context: CommandContext, access: Access): Promise<number> {
  const tokens = (await access.tokens()).map(({ id, name, createdAt, usedAt }) => ({ id, name, createdAt, usedAt: usedAt ?? null }));
  context.reporter.data({ tokens }, () =>
    tokens.length === 0
      ? 'no tokens: the API is for callers on this machine'
      : columns(tokens.map((t) => [t.name, `made ${t.createdAt}`, t.usedAt === null ? 'never used' : `used ${t.usedAt}`])).join('\n'),
  );
  return 0;
}

async function record({ clock }: CommandContext, access: Access, action: 'create-token' | 'revoke-token', subject: string): Promise<void> {
  const who = whoHere();
  await access.record({ at: new Date(clock.now()).toISOString(), who, from: 'command line', action, subject, outcome: 'done' });
}
