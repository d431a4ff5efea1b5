import { runSuite } from "./suite.ts";
const t = performance.now();
const r = await runSuite({ seed: Number(process.env.SEED ?? 1), cases: Number(process.env.N ?? 2000),
  requestsPerProject: Number(process.env.R ?? 60), shrinkMsMax: Number(process.env.S ?? 40000) });
console.log(r.cases, r.projects, r.invalid, Math.round(r.cases / (performance.now() - t) * 1000), "cases/s");
console.log([...r.seen].sort((a,b)=>b[1]-a[1]).slice(0,60).map(([k,v])=>`${v} ${k}`).join("\n"));
if (r.difference) console.log(r.difference);
