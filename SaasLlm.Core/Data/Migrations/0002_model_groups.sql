-- Named, ordered lists of models, and which teams may use them.

CREATE TABLE model_groups (
  group_name   text        NOT NULL,
  display_name text        NOT NULL,
  description  text        NOT NULL DEFAULT '',
  kind         text        NOT NULL DEFAULT 'chat',
  status       text        NOT NULL DEFAULT 'active',
  -- What the group allows and limits beyond the defaults (timeouts, ceilings, extra fields).
  settings     jsonb       NOT NULL DEFAULT '{}',
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_model_groups PRIMARY KEY (group_name),
  CONSTRAINT ck_model_groups_name CHECK (group_name ~ '^[A-Za-z0-9._-]{1,64}$'),
  CONSTRAINT ck_model_groups_kind CHECK (kind IN ('chat', 'embedding')),
  CONSTRAINT ck_model_groups_status CHECK (status IN ('active', 'inactive'))
);

-- Priority 0 is primary; the rest are fallbacks in that order.
CREATE TABLE model_group_models (
  group_name text    NOT NULL,
  priority   integer NOT NULL,
  model_name text    NOT NULL,
  is_active  boolean NOT NULL DEFAULT true,
  CONSTRAINT pk_model_group_models PRIMARY KEY (group_name, priority),
  CONSTRAINT fk_model_group_models_group FOREIGN KEY (group_name) REFERENCES model_groups ON DELETE CASCADE,
  CONSTRAINT ux_model_group_models_name UNIQUE (group_name, model_name),
  CONSTRAINT ck_model_group_models_priority CHECK (priority >= 0)
);

CREATE TABLE team_model_groups (
  team_id    text        NOT NULL,
  group_name text        NOT NULL,
  granted_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_team_model_groups PRIMARY KEY (team_id, group_name),
  CONSTRAINT fk_team_model_groups_team FOREIGN KEY (team_id) REFERENCES teams,
  CONSTRAINT fk_team_model_groups_group FOREIGN KEY (group_name) REFERENCES model_groups ON DELETE CASCADE
);
CREATE INDEX ix_team_model_groups_group ON team_model_groups (group_name);
