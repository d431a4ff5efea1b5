/** The health check that only connects (Apigee: TCPMonitor). */
import { connectTcp } from "./connect.ts";
import type { HealthCheck } from "./health-monitor.ts";
import { checkOver, type HealthSocketOwner } from "./health-socket.ts";

/** What a bundle says of it. */
export interface TcpCheckSpec {
  readonly connectTimeoutMs: number;
  /** Null: that of the server. */
  readonly port: number | null;
}

/** A server is well when a connection stands in time. */
export function tcpCheck({ connectTimeoutMs, port }: TcpCheckSpec): HealthCheck {
  return (server, _place, { clock, limits: { tcpKeepAliveMs } }, done) => {
    const socket = connectTcp({ host: server.host, port: port ?? server.port, tcpKeepAliveMs });
    return checkOver(socket, false, { connectTimeoutMs, readTimeoutMs: 0 }, clock, connects, done);
  };
}

const connects: HealthSocketOwner = { connected: () => false, received: () => null };
