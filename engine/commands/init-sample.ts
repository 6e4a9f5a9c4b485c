import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFile } from '../base/package-root.ts';

/** A file of a new project: its path below the project's folder, its text, and its mode where that matters. */
export interface ProjectFile {
  readonly path: string;
  readonly text: string;
  readonly mode?: number;
}

const leftOut = new Set(['target', 'logs', 'dbt_packages', '.user.yml']);

/** The sample's pipelines.yaml and dbt project, as the package ships them. */
export function sampleFiles(): readonly ProjectFile[] {
  return [{ path: 'pipelines.yaml', text: readFileSync(packageFile('pipelines.yaml'), 'utf8') }, ...dbtFiles(() => true)];
}

/** The files of the sample's dbt project that `wanted` picks by their path in it. */
export function dbtFiles(wanted: (path: string) => boolean): readonly ProjectFile[] {
  const root = packageFile('dbt');
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => !path.split('/').some((part) => leftOut.has(part)) && wanted(path))
    .sort()
    .map((path) => ({ path: `dbt/${path}`, text: readFileSync(join(root, path), 'utf8') }));
}

/** What every new project has beside its pipelines: editor help, Compose file, environment, CI job, .gitignore. */
export async function surroundings(): Promise<readonly ProjectFile[]> {
  const { bundledSchema } = await import('../load/schema.ts');
  return [
    { path: 'schemas/pipelines.schema.json', text: `${JSON.stringify(bundledSchema(), undefined, 2)}\n` },
    { path: 'compose.yaml', text: compose },
    { path: '.env.example', text: environment },
    { path: '.gitignore', text: ignored },
    { path: '.github/workflows/pipelines.yml', text: workflow },
  ];
}

const compose = `# Two Postgres servers to try things on: docker compose up -d --wait, then take the lines of .env.example into .env.
x-postgres: &postgres
  image: postgres:18-alpine
  restart: unless-stopped
  healthcheck:
    test: ["CMD-SHELL", "pg_isready -U engine -d $$\{POSTGRES_DB}"]
    interval: 5s
    timeout: 3s
    retries: 20

services:
  source:
    <<: *postgres
    environment:
      POSTGRES_USER: engine
      POSTGRES_DB: production
      POSTGRES_PASSWORD: \${SOURCE_PASSWORD:-only-for-trying}
    ports: ["127.0.0.1:5441:5432"]
    volumes: ["source:/var/lib/postgresql"]

  warehouse:
    <<: *postgres
    environment:
      POSTGRES_USER: engine
      POSTGRES_DB: warehouse
      POSTGRES_PASSWORD: \${WAREHOUSE_PASSWORD:-only-for-trying}
    ports: ["127.0.0.1:5442:5432"]
    volumes: ["warehouse:/var/lib/postgresql"]

volumes:
  source:
  warehouse:
`;

const environment = `# Copy to .env (which git ignores) and fill in; what the environment has goes first.
# Left out, each is 'embedded': a real Postgres server that the engine starts under .engine/.

# The servers of compose.yaml:
#SOURCE_URL='postgresql://engine:only-for-trying@127.0.0.1:5441/production?sslmode=disable'
#WAREHOUSE_URL='postgresql://engine:only-for-trying@127.0.0.1:5442/warehouse?sslmode=disable'

# Real ones (characters such as @ : / in a password are written %40 %3A %2F):
#SOURCE_URL='postgresql://reader:PASSWORD@db.example.com/app?sslmode=verify-full&sslrootcert=certs/ca.pem'
#WAREHOUSE_URL='postgresql://loader:PASSWORD@warehouse.example.com/warehouse?sslmode=verify-full&sslrootcert=certs/ca.pem'
`;

const ignored = `.engine/
.env
dbt/target/
dbt/logs/
dbt/dbt_packages/
`;

const workflow = `# Checks every change, and shows the plan where the secrets SOURCE_URL and WAREHOUSE_URL are set. A role that can only read is enough for both.
# ENGINE_PACKAGE (Settings > Variables) says where npm gets the engine: a git URL or a tarball.
name: pipelines
on:
  pull_request:
  push: { branches: [main] }

permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    env:
      SOURCE_URL: \${{ secrets.SOURCE_URL }}
      WAREHOUSE_URL: \${{ secrets.WAREHOUSE_URL }}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 22 }
      - uses: actions/setup-python@v5
        with: { python-version: "3.12" }
      - run: npm install --global "$ENGINE_PACKAGE"
        env:
          ENGINE_PACKAGE: \${{ vars.ENGINE_PACKAGE }}
      - name: Check pipelines.yaml
        run: SOURCE_URL=\${SOURCE_URL:-embedded} WAREHOUSE_URL=\${WAREHOUSE_URL:-embedded} engine validate
      - name: Show what a run would do
        if: env.SOURCE_URL != '' && env.WAREHOUSE_URL != ''
        run: engine plan
`;
