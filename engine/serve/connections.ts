import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Bounds how many connections are open. When there are too many, the one that has been without a whole request for longest is closed: those that are held open and never ask,
 * or never end what they ask, make room, and others are served.
 */
export function boundConnections(server: Server, most: number): void {
  /** In the order in which they began to wait. By address, for a request under TLS comes with another socket than its connection. */
  const idle = new Map<string, Socket>();
  const open = new Map<string, Socket>();
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    open.set(name, socket);
    idle.set(name, socket);
    socket.once('close', () => {
      if (open.get(name) === socket) open.delete(name);
      if (idle.get(name) === socket) idle.delete(name);
    });
    if (open.size <= most) return;
    const [longest] = idle.values();
    (longest ?? socket).destroy();
  });
  server.on('request', (request, response) => {
    const name = nameOf(request.socket);
    const asked = (): void => void idle.delete(name);
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    if (length === '0' && encoding === undefined) asked();
    else request.once('end', asked);
    response.once('close', () => {
      request.off('end', asked);
      const still = open.get(name);
      if (still !== undefined) idle.set(name, still);
    });
  });
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
