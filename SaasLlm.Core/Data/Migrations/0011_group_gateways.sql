-- A model of a group may be asked for at a gateway of its own, so that one model may be there twice, at two of them.
ALTER TABLE model_group_models
  -- A name in the operator's configuration. Null: the gateway that all teams have keys for.
  ADD COLUMN gateway text,
  ADD CONSTRAINT ck_model_group_models_gateway CHECK (gateway ~ '^[A-Za-z0-9._-]{1,64}$'),
  DROP CONSTRAINT ux_model_group_models_name,
  ADD CONSTRAINT ux_model_group_models_name UNIQUE NULLS NOT DISTINCT (group_name, model_name, gateway);
