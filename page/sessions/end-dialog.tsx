/** Ends sessions: first it asks how many are meant, then whether to, and with which code. */
import { useEffect, useRef, useState } from "preact/hooks";
import { line, Refusal } from "../connection.ts";
import { count, counted } from "../format.ts";
import { usePoll } from "../poll.ts";
import { filterFields } from "./session.ts";

/** Which sessions; no filter means all of them. */
export interface EndWish {
  readonly filter: Readonly<Record<string, string>>;
  /** What the one session is; null where the filter says it. */
  readonly label: string | null;
}

/** More than this many are ended only by whoever types their number. */
const SURE_FROM = 10;

/** Codes that tell a client something; each application may add its own from 4000 on. */
const codes = [
  { code: 3003, text: "ended by the operator" },
  { code: 1001, text: "going away" },
  { code: 1008, text: "policy violation" },
  { code: 1012, text: "service restart" },
  { code: 1013, text: "try again later" },
] as const;
const OWN_CODE = "own";

interface Ended {
  readonly matched: number;
  readonly ended: number;
}

export interface EndDialogProps {
  readonly wish: EndWish;
  readonly onClose: () => void;
  readonly onEnded: () => void;
}

export function EndDialog({ wish, onClose, onEnded }: EndDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [choice, setChoice] = useState("3003");
  const [own, setOwn] = useState("4000");
  const [text, setText] = useState("ended by the operator");
  const [note, setNote] = useState("");
  const [typed, setTyped] = useState("");
  const [done, setDone] = useState<Ended | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const isAll = Object.keys(wish.filter).length === 0;
  const meant = isAll ? { all: true } : { filter: wish.filter };
  const dryRun = usePoll(
    () => line.post<Ended>("/v1/sessions:end", { ...meant, dryRun: true }),
    Infinity,
    JSON.stringify(meant),
  );
  const matched = dryRun.value?.matched ?? null;
  const needsNumber = matched !== null && matched >= SURE_FROM;
  const isSure = matched !== null && matched > 0 && (!needsNumber || typed.replace(/\D/g, "") === String(matched));
  const choose = (next: string): void => {
    setChoice(next);
    setText(codes.find(({ code }) => String(code) === next)?.text ?? "");
  };
  const end = async (): Promise<void> => {
    if (!isSure || isBusy) return;
    setBusy(true);
    try {
      const close = { code: Number(choice === OWN_CODE ? own : choice), ...(text === "" ? {} : { reason: text }) };
      setDone(
        await line.post<Ended>("/v1/sessions:end", { ...meant, close, ...(note === "" ? {} : { reason: note }) }),
      );
      setProblem(null);
      onEnded();
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      setProblem(refused.message);
    }
    setBusy(false);
  };
  return (
    <dialog ref={dialog} class="ask" aria-labelledby="end-title" onClose={onClose}>
      <form method="dialog" onSubmit={(event) => (event.preventDefault(), void end())}>
        <h2 id="end-title">{wish.label === null ? "End sessions" : "End this session"}</h2>
        <p class="meant">
          {wish.label ?? (isAll ? "All live sessions of every proxy" : <FilterText filter={wish.filter} />)}
        </p>
        <p class="dry-run" aria-live="polite">
          {done !== null ? (
            <>
              <strong>{counted(done.ended, "session")}</strong> told to end.
            </>
          ) : matched === null ? (
            (dryRun.problem?.message ?? "Counting …")
          ) : (
            <>
              <strong>{counted(matched, "session")}</strong> {matched === 1 ? "fits" : "fit"} now. Nothing has ended
              yet.
            </>
          )}
        </p>
        {done === null && (
          <>
            <div class="fields">
              <label>
                Close code
                <select value={choice} onChange={(event) => choose(event.currentTarget.value)}>
                  {codes.map(({ code, text: meaning }) => (
                    <option key={code} value={String(code)}>{`${code} ${meaning}`}</option>
                  ))}
                  <option value={OWN_CODE}>Own code …</option>
                </select>
              </label>
              {choice === OWN_CODE && (
                <label>
                  Own code, 4000 to 4999
                  <input
                    type="number"
                    min={4000}
                    max={4999}
                    required
                    value={own}
                    onInput={(event) => setOwn(event.currentTarget.value)}
                  />
                </label>
              )}
              <label>
                Reason that clients are told
                <input
                  type="text"
                  maxLength={123}
                  value={text}
                  onInput={(event) => setText(event.currentTarget.value)}
                />
              </label>
              <label>
                Note for the audit log
                <input
                  type="text"
                  maxLength={200}
                  value={note}
                  onInput={(event) => setNote(event.currentTarget.value)}
                />
              </label>
              {needsNumber && (
                <label>
                  Type {count(matched)} to confirm
                  <input
                    type="text"
                    inputMode="numeric"
                    autocomplete="off"
                    value={typed}
                    onInput={(event) => setTyped(event.currentTarget.value)}
                  />
                </label>
              )}
            </div>
            <p class="problem" role="alert">
              {problem}
            </p>
          </>
        )}
        <div class="actions">
          {done === null && (
            <button type="submit" class="danger full" disabled={!isSure || isBusy}>
              {matched === null ? "End" : `End ${counted(matched, "session")}`}
            </button>
          )}
          <button type="button" onClick={() => dialog.current?.close()}>
            {done === null ? "Cancel" : "Close"}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function FilterText({ filter }: { readonly filter: Readonly<Record<string, string>> }) {
  return (
    <>
      {filterFields
        .filter(({ name }) => filter[name] !== undefined)
        .map(({ name, label }) => (
          <span key={name} class="chip">
            <span class="faint">{label}</span> {filter[name]}
          </span>
        ))}
    </>
  );
}
