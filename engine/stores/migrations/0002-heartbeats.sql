-- A process that stands still (SIGSTOP, a suspended machine) keeps its sessions and their locks: only a pulse tells that it is at work.
-- By this server's clock, so that no two clocks are compared.
CREATE TABLE heartbeats (
  run_id text PRIMARY KEY,
  at timestamptz NOT NULL
);

-- Tokens of leases count within one store: what compares them must know which one. A store that was made anew is another one.
CREATE TABLE store (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one)
);

INSERT INTO store DEFAULT VALUES;
