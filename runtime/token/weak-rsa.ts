/**
 * RSA keys that can be factored although they are long: those of chips that built their primes from powers of 65537
 * (ROCA, CVE-2017-15361). Looked at once, when a key is read.
 */
import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";

/** Where the residues of such a modulus give it away; any other key fails at one of them but for one in 2 ** 27. */
const PRIMES = [
  11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
] as const;
const GENERATOR = 65_537;

/** True for a public or private RSA key of that form. */
export function isWeakRsa(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== "rsa") return false;
  const { n = "" } = key.export({ format: "jwk" });
  const modulus = BigInt(`0x${Buffer.from(n, "base64url").toString("hex")}`);
  return PRIMES.every((prime) => isPowerModulo(Number(modulus % BigInt(prime)), prime));
}

/** True when `residue` is a power of the generator modulo the prime. */
function isPowerModulo(residue: number, prime: number): boolean {
  let power = 1;
  do {
    if (power === residue) return true;
    power = (power * GENERATOR) % prime;
  } while (power !== 1);
  return false;
}
