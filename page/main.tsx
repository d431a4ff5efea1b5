/** Starts the page: style, colours, then the one component tree. */
import "./style/base.css";
import "./style/frame.css";
import "./style/parts.css";
import "./style/sessions.css";
import "./style/routes.css";
import "./style/debug.css";
import "./style/traffic.css";
import "./style/narrow.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { applyTheme, storedTheme } from "./theme.ts";

applyTheme(storedTheme());
const place = document.getElementById("page");
if (place !== null) render(<App />, place);
