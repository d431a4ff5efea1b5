/** Asks for the admin secret. It goes to this tab's memory and to the gateway, nowhere else. */
import type { TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { line, Refusal } from "./connection.ts";

export function SignIn() {
  const dialog = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState(line.whyAsking);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const secret = field.current?.value.trim() ?? "";
    if (secret === "" || isBusy) return;
    setBusy(true);
    setProblem(await problemWith(secret));
    setBusy(false);
    field.current?.select();
  };
  return (
    <dialog ref={dialog} class="sign-in" aria-labelledby="sign-in-title" onCancel={(event) => event.preventDefault()}>
      <form onSubmit={(event) => void submit(event)}>
        <h1 id="sign-in-title">
          apigw <span class="faint">{location.host}</span>
        </h1>
        <label for="secret">Admin secret</label>
        <input
          id="secret"
          ref={field}
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          required
          aria-invalid={problem !== null}
          aria-describedby="secret-note secret-problem"
        />
        <p id="secret-problem" class="problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="main" disabled={isBusy}>
          {isBusy ? "Asking …" : "Open"}
        </button>
        <p id="secret-note" class="faint">
          The value of <code>admin.secret</code> in gateway.yaml. It stays in this tab until you close it.
        </p>
      </form>
    </dialog>
  );
}

/** What the gateway says against it; null when it took it. */
async function problemWith(secret: string): Promise<string | null> {
  // A header can hold nothing else, and the browser's own error would say less.
  if (!/^[\x21-\x7e]+$/.test(secret)) return "A secret is printable ASCII without spaces.";
  try {
    return (await line.unlock(secret)) ? null : "The gateway does not take this secret.";
  } catch (problem) {
    if (problem instanceof Refusal) return problem.message;
    throw problem;
  }
}
