/**
 * CPU of a verified handshake by its credential: an API key, the same beside a header as long as a token, and a JWT that was
 * seen before; how they are measured is ../handshake-bursts.ts.
 *
 *   npm run bench:credential -- [--rounds 15] [--seconds 1]
 */
import { generateKeyPairSync, sign } from "node:crypto";
import { parseArgs } from "node:util";
import { BenchFolder } from "../bench-folder.ts";
import { handshakeBursts, showHandshakes } from "../handshake-bursts.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, seconds: { type: "string", default: "1" } },
});
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** A token as identity providers make them, some six hundred characters. */
function token(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { iss: "https://id.example.com", sub: "ann", aud: "chat", jti: "token-1", scope: "read write", exp };
  const input = `${part({ alg: "RS256", kid: "k1", typ: "JWT" })}.${part(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
}

const jwtLine = `Authorization: Bearer ${token()}`;
const keyLine = "X-Api-Key: secret-key-1";
const longLine = `X-Bytes: ${"x".repeat(jwtLine.length - keyLine.length)}\r\n${keyLine}`;
const folder = new BenchFolder();
try {
  const [keys, tokens] = [folder.compile("key-check"), folder.compile("jwt-check")];
  const rounds = Number(values.rounds);
  const figures = await handshakeBursts({
    contenders: [
      { name: "API key", port: 9822, artifact: keys, header: keyLine },
      { name: "API key, and as many bytes", port: 9823, artifact: keys, header: longLine },
      { name: "JWT seen before", port: 9824, artifact: tokens, header: jwtLine },
    ],
    environment: {
      ...process.env,
      BENCH_KEY: "secret-key-1",
      BENCH_SECRET: "secret",
      PUBLIC_KEY: publicKey.export({ type: "spki", format: "pem" }).toString(),
    },
    targetPort: 9821,
    rounds,
    seconds: Number(values.seconds),
  });
  showHandshakes(figures, rounds);
} finally {
  folder.remove();
}
