-- Who there is: organizations, their teams, the teams' keys, and each team's key at the gateway.

CREATE TABLE organizations (
  organization_id text        NOT NULL,
  name            text        NOT NULL,
  metadata        jsonb       NOT NULL DEFAULT '{}',
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_organizations PRIMARY KEY (organization_id),
  CONSTRAINT ck_organizations_id CHECK (organization_id ~ '^[A-Za-z0-9_-]{1,64}$')
);

CREATE TABLE teams (
  team_id         text        NOT NULL,
  organization_id text        NOT NULL,
  team_alias      text        NOT NULL,
  status          text        NOT NULL DEFAULT 'active',
  metadata        jsonb       NOT NULL DEFAULT '{}',
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_teams PRIMARY KEY (team_id),
  CONSTRAINT fk_teams_organization FOREIGN KEY (organization_id) REFERENCES organizations,
  CONSTRAINT ck_teams_id CHECK (team_id ~ '^[A-Za-z0-9_-]{1,64}$'),
  CONSTRAINT ck_teams_status CHECK (status IN ('active', 'suspended'))
);
CREATE INDEX ix_teams_organization ON teams (organization_id, team_id);

-- A virtual key: only its SHA-256 is stored; the prefix is for display.
CREATE TABLE team_keys (
  key_id     uuid        NOT NULL,
  team_id    text        NOT NULL,
  key_hash   bytea       NOT NULL,
  key_prefix text        NOT NULL,
  name       text        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  -- The key that a rotation put in this one's place; this one then ends at expires_at.
  replaced_by uuid,
  CONSTRAINT pk_team_keys PRIMARY KEY (team_id, key_id),
  CONSTRAINT fk_team_keys_team FOREIGN KEY (team_id) REFERENCES teams,
  CONSTRAINT ux_team_keys_hash UNIQUE (key_hash),
  CONSTRAINT ck_team_keys_hash CHECK (octet_length(key_hash) = 32)
);

-- The team's own key at LiteLLM: minted when the team is created, or later by JobRunner when LiteLLM was not there.
CREATE TABLE team_gateway_keys (
  team_id         text        NOT NULL,
  state           text        NOT NULL DEFAULT 'pending',
  -- AES-GCM under the encryption key; null while pending.
  encrypted_key   bytea,
  attempts        integer     NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  lease_token     uuid,
  lease_until     timestamptz,
  last_error      text,
  updated_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_team_gateway_keys PRIMARY KEY (team_id),
  CONSTRAINT fk_team_gateway_keys_team FOREIGN KEY (team_id) REFERENCES teams,
  CONSTRAINT ck_team_gateway_keys_state CHECK (state IN ('pending', 'ready')),
  CONSTRAINT ck_team_gateway_keys_ready_has_key CHECK ((state = 'ready') <= (encrypted_key IS NOT NULL))
);
CREATE INDEX ix_team_gateway_keys_pending ON team_gateway_keys (next_attempt_at) WHERE state = 'pending';
