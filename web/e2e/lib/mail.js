// A mail server on a free port that takes everything and hands it over.

import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

export async function mailServer() {
  const waiting = [];
  const mails = [];
  const take = (mail) => (waiting.length > 0 ? waiting.shift()(mail) : mails.push(mail));
  const server = createServer((socket) => talk(socket, take));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `smtp://127.0.0.1:${server.address().port}`,
    next: () => (mails.length > 0 ? mails.shift() : new Promise((resolve) => waiting.push(resolve))),
    stop: () => server.close(),
  };
}

/** One connection, as RFC 5321 has it at its shortest. */
async function talk(socket, take) {
  const say = (line) => socket.write(`${line}\r\n`);
  let text = null;
  say('220 here');
  for await (const line of createInterface({ input: socket })) {
    const verb = line.slice(0, 4).toUpperCase();
    if (text !== null) {
      if (line === '.') {
        // Long lines come folded, with the equals signs in them spelled out.
        take(text.replaceAll('=\n', '').replaceAll('=3D', '='));
        text = null;
        say('250 taken');
      } else text += `${line}\n`;
    } else if (verb === 'DATA') {
      text = '';
      say('354 go on');
    } else if (verb === 'QUIT') {
      say('221 bye');
      socket.end();
    } else say('250 yes');
  }
}
