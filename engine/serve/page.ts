import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { errorBody } from './errors.ts';
import type { ServerParts } from './parts.ts';

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The page is not built</title>
<h1>The page is not built</h1>
<p>Run <code>npm run build</code> in the folder of the engine, then load this again. The API answers under <a href="/openapi.json">/openapi.json</a>.</p>
</html>
`;

/** The page: files with hashed names under `/assets/`, and its shell for every other path, which the page reads itself. */
export async function pageRoutes(app: FastifyInstance, { uiFolder }: ServerParts): Promise<void> {
  await app.register(fastifyStatic, {
    root: uiFolder,
    serve: false,
    dotfiles: 'deny',
    cacheControl: false,
    index: false,
    redirect: false,
    preCompressed: true,
  });
  const shell = (reply: FastifyReply): FastifyReply => {
    reply.header('cache-control', 'no-cache');
    if (existsSync(join(uiFolder, 'index.html'))) return reply.sendFile('index.html');
    return reply.type('text/html; charset=utf-8').send(notBuilt);
  };
  const hidden = { config: { open: true }, schema: { hide: true } } as const;
  app.get('/', hidden, async (_request, reply) => shell(reply));
  app.get<{ Params: { readonly '*': string } }>('/assets/*', hidden, async (request, reply) => {
    reply.header('cache-control', 'public, max-age=31536000, immutable');
    return reply.sendFile(`assets/${request.params['*']}`);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/[?#].*$/s, '');
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const isFile = /\.[^/]*$/.test(path);
    if (reads && !isFile && !/^\/api(\/|$)/.test(path)) return shell(reply);
    // What lies beside the shell has a plain name: an icon.
    if (reads && /^\/[A-Za-z0-9_-]+\.(svg|ico|png|webmanifest|txt)$/.test(path) && existsSync(join(uiFolder, path.slice(1)))) {
      reply.header('cache-control', 'no-cache');
      return reply.sendFile(path.slice(1));
    }
    reply.header('cache-control', 'no-store');
    return reply.code(404).send(errorBody('route.unknown', 'there is nothing here', 'See /openapi.json.'));
  });
}
