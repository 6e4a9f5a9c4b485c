import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Bounds how many connections are open. When there are too many, the one that has been without a request for longest is closed: those that are held open and never ask
 * make room, and others are served.
 */
export function boundConnections(server: Server, most: number): void {
  /** In the order in which they began to wait. */
  const idle = new Set<Socket>();
  let open = 0;
  server.on('connection', (socket: Socket) => {
    open += 1;
    idle.add(socket);
    socket.once('close', () => {
      open -= 1;
      idle.delete(socket);
    });
    if (open <= most) return;
    const [longest] = idle;
    (longest ?? socket).destroy();
  });
  server.on('request', ({ socket }, response) => {
    idle.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
}
