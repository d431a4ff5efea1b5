/** OAuthV2 as it is written: one policy, many operations. Types only. */
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { AttributeModel } from "./parts/oauth-request.ts";
import type { KeyModel } from "./parts/jwt-rules.ts";
import type { SignerModel } from "./parts/signing-rules.ts";

/** A lifetime: a duration, milliseconds, or a variable with a fallback; -1: without end. */
export type Lifetime = number | string | { readonly ref: string; readonly value?: number };

export interface OAuthV2Model extends PolicyModel, KeyModel {
  readonly privateKey?: NonNullable<SignerModel["privateKey"]>;
  readonly kind: "OAuthV2";
  readonly operation: 
    | "VerifyAccessToken"
    | "VerifyJWTAccessToken"
    | "GenerateAccessToken"
    | "RefreshAccessToken"
    | "GenerateJWTAccessToken"
    | "RefreshJWTAccessToken"
    | "GenerateAuthorizationCode"
    | "GenerateAccessTokenImplicitGrant"
    | "InvalidateToken"
    | "ValidateToken"
    | "RevokeToken";
  readonly accessToken?: string;
  readonly accessTokenPrefix?: string;
  readonly scope?: string;
  readonly requireAllScopes?: boolean;
  readonly cacheExpiryInSeconds?: RefOr<number>;
  readonly issuer?: RefOr<string>;
  readonly audience?: RefOr<string>;
  readonly timeAllowance?: string;
  readonly supportedGrantTypes?: readonly string[];
  readonly grantType?: string;
  readonly clientId?: string;
  readonly userName?: string;
  readonly passWord?: string;
  readonly refreshToken?: string;
  readonly appEndUser?: string;
  readonly code?: string;
  readonly redirectUri?: string;
  readonly codeVerifier?: string;
  readonly responseType?: string;
  readonly state?: string;
  readonly codeChallenge?: string;
  readonly codeChallengeMethod?: string;
  readonly pkce?: { readonly required?: boolean; readonly methods?: readonly ("S256" | "plain")[] };
  readonly externalAuthorization?: boolean;
  readonly storeToken?: boolean;
  readonly externalAccessToken?: string;
  readonly externalRefreshToken?: string;
  readonly externalAuthorizationCode?: string;
  readonly token?: string;
  readonly expiresIn?: Lifetime;
  readonly refreshTokenExpiresIn?: Lifetime;
  readonly reuseRefreshToken?: boolean;
  readonly generateResponse?: { readonly enabled?: boolean };
  readonly generateErrorResponse?: { readonly enabled?: boolean; readonly realm?: string };
  readonly rfcCompliantRequestResponse?: boolean;
  readonly attributes?: readonly AttributeModel[];
  readonly tokens?: readonly {
    readonly type: "accesstoken" | "refreshtoken";
    readonly cascade?: boolean;
    readonly ref: string;
  }[];
}
