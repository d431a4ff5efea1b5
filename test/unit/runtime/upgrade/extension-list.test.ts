import { expect, test } from "vitest";
import { extensionNames } from "#runtime/upgrade/extension-list.ts";

test.each([
  ["permessage-deflate", ["permessage-deflate"]],
  ["permessage-deflate; client_max_window_bits, x-webkit-deflate-frame", ["permessage-deflate",
    "x-webkit-deflate-frame"]],
  ["a; b=10; c=\"d\"", ["a"]],
  ["a ; b = 10", ["a"]],
  ["a, a", ["a", "a"]],
  ["constructor, __proto__", ["constructor", "__proto__"]],
  ["a,b,c,d", null],
  ["a;1;2;3", ["a"]],
  ["a;1;2;3;4", null],
  ["", null],
  ["a;", null],
  ["a; b=", null],
  ["a; =b", null],
  ["a; b=\"\"", null],
  ["a; b=\"c,d\"", null],
  ["a; b=\"c", null],
  ["a b", null],
])("%s", (list, names) => {
  expect(extensionNames(list, 3)).toEqual(names);
});
