// A server without a gateway: what one client sends goes to all. node broadcast_with_ws.js PORT
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ port: Number(process.argv[2]), host: 'localhost' });
server.on('connection', (socket) => {
  socket.on('message', (message) => {
    for (const client of server.clients) client.send(message, { binary: false });
  });
});
