/** Connections by consent, as docs/api.md tells them. Instants are ISO 8601; null is unknown or endless. */
export type ServiceName = "fitbit" | "google";

export type ConnectionWarning = {
  name: "dies_soon" | "withdrawn" | "died" | "unreadable" | "scopes_missing";
  message: string;
  remedy: string;
};

export type Connection = {
  userId: string;
  state: "connected" | "fixed" | "gone" | "unreadable" | "none";
  scopes: string[];
  missingScopes: string[];
  connectedAt: string | null;
  expiresAt: string | null;
  refreshDiesAt: string | null;
  warning: ConnectionWarning | null;
};

/** A thing to consent to, and the source that then can be fetched; `cannotConnect` says what is not set here. */
export type Service = {
  service: ServiceName;
  source: string;
  cannotConnect: string | null;
  people: Connection[];
};

export type Acted = {
  works: boolean;
  outcome: "answered" | "revoked" | "unknown_there" | "gone_before" | "not_told" | "fixed" | "nothing";
  detail: string;
};
