/** What an environment holds, after validation: its proxies, hooks, references and servers. Types only. */
import type { MasksModel } from "./gateway-model.ts";
import type { FileSource, PortSetting, TextSetting } from "./model.ts";

export interface EnvironmentModel {
  readonly kind: "Environment";
  /** The client's address is one entry of a header that trusted proxies write. Apigee: clientIpResolutionConfig. */
  readonly clientIpResolution?: { readonly header: string; readonly index: number };
  readonly observability?: { readonly masks?: MasksModel };
  readonly targetServers?: readonly TargetServerModel[];
  readonly flowHooks?: { readonly [point in HookPoint]?: FlowHookModel };
  readonly propertySets?: PropertySetsModel;
  /** Reference name -> certificate authorities, client certificate. */
  readonly references?: Readonly<Record<string, ReferenceModel>>;
}

/** Set name -> key -> value; all values are texts to flows. */
export type PropertySetsModel = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** Where flow hooks run, in the order of a request (apigee-core section 3.5). */
export type HookPoint = "preProxy" | "preTarget" | "postTarget" | "postProxy";

export interface FlowHookModel {
  readonly sharedFlow: string;
  /** Absent: true. */
  readonly continueOnError?: boolean;
}

export interface ReferenceModel {
  readonly caFile?: FileSource;
  readonly certFile?: FileSource;
  readonly keyFile?: FileSource;
}

export interface TargetServerModel {
  readonly name: string;
  readonly host: TextSetting;
  readonly port: PortSetting;
  readonly isEnabled?: boolean;
  readonly sslInfo?: SslInfoModel;
}

export interface SslInfoModel {
  readonly enabled?: boolean;
  /** `ref://name` of an environment reference with a caFile. */
  readonly trustStore?: string;
  readonly clientAuthEnabled?: boolean;
  /** `ref://name` of an environment reference with certFile and keyFile. */
  readonly keyStore?: string;
  /** Always so; written for readers. */
  readonly enforce?: true;
  readonly ignoreValidationErrors?: false;
  readonly protocols?: readonly ("TLSv1.2" | "TLSv1.3")[];
  readonly ciphers?: readonly string[];
  /** Name expected in the target's certificate instead of its host. */
  readonly commonName?: string;
}
