/** OAuthV2: the grant types password (RFC 6749 section 4.3) and refresh_token (section 6). */
import { openGrant, refreshGrant } from "../access/grants.ts";
import { andThen } from "../maybe.ts";
import { textOf } from "../token/token-answer.ts";
import { refreshWishOf } from "../token/token-request.ts";
import type { Grant } from "../token/token-request.ts";

/**
 * Nobody here knows users: a step before this one must have checked the password (apigee-policies section 3.28).
 * Without another one that is named, the user name is the token's end user.
 */
export const passwordGrant: Grant = {
  isPublic: false,
  missing: ({ userName = null, passWord = null }) =>
    textOf(userName) === "" ? "username" : textOf(passWord) === "" ? "password" : null,
  issue(x, asked) {
    const { key, request, wish } = asked;
    const subject = wish.subject ?? textOf(request.userName ?? null);
    const grantWish = { ...wish, subject, ...refreshWishOf(asked) };
    return andThen(openGrant(x.gateway, key, x.gateway.clock.randomId(), grantWish), (issued) => {
      if (issued === null) throw new TypeError("invariant: no two grants have one random id");
      return issued;
    });
  },
};

/** The grant type of RefreshAccessToken. Public clients may use it: their refresh tokens are good once. */
export const refreshTokenGrant: Grant = {
  isPublic: true,
  missing: ({ refreshToken = null }) => (textOf(refreshToken) === "" ? "refresh_token" : null),
  issue(x, asked) {
    const { key, request, wish } = asked;
    const isReused = request.reuseRefreshToken ?? false;
    const refreshWish = { ...wish, isReused, ...refreshWishOf(asked) };
    return refreshGrant(x.gateway, key, textOf(request.refreshToken ?? null), refreshWish);
  },
};
