/** Syslog over UDP (RFC 5426): a datagram for each message. Linked only where a policy asks for it. */
import { createSocket } from "node:dgram";
import { lookup } from "node:dns";
import type { OpenLink, SyslogReceiver } from "./sender.ts";
import type { SyslogAddress } from "./tcp.ts";

/** Datagrams that the system has not taken yet; more wait in the queue. */
const UNSENT_MAX = 64;

/** A receiver of datagrams. */
export function udpReceiver(address: SyslogAddress): SyslogReceiver {
  return { name: `udp ${address.host} ${address.port}`, open: overUdp(address) };
}

/** Its name is looked up for each socket. */
function overUdp({ host, port }: SyslogAddress): OpenLink {
  return (owner) => {
    let isOver = false;
    let isEnding = false;
    let unsent = 0;
    let destroy = (): void => undefined;
    const lost = (detail: string): void => {
      if (isOver) return;
      isOver = true;
      destroy();
      owner.lost(detail);
    };
    let send = (_message: Buffer): void => undefined;
    lookup(host, (error, address, family) => {
      if (isOver) return;
      if (error !== null) return lost(error.code ?? error.name);
      const socket = createSocket(family === 6 ? "udp6" : "udp4");
      destroy = () => void socket.close();
      socket.unref();
      // A receiver that is not there may say so (ICMP); what was sent until then is gone.
      socket.on("error", (problem: NodeJS.ErrnoException) => lost(problem.code ?? problem.name));
      socket.on("message", () => undefined);
      send = (message) => {
        socket.send(message, () => {
          unsent--;
          if (isEnding && unsent === 0) lost("closed");
          else if (!isOver && unsent === UNSENT_MAX - 1) owner.drained();
        });
      };
      socket.connect(port, address, () => {
        if (!isOver) owner.ready();
      });
    });
    return {
      write: (message) => {
        unsent++;
        send(message);
        return unsent < UNSENT_MAX;
      },
      end: () => {
        isEnding = true;
        if (unsent === 0) lost("closed");
      },
      destroy: () => lost("timed out"),
    };
  };
}
