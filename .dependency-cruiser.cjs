/** The floors of docs/architecture.md: who may import whom. Type imports count. */
const nouns = '^engine/(error|config|graph|plan|run|event|problem)[.]ts$';
const contracts = '^engine/(connector|store|queue|history|access|incidents|alarm|exporter|api|api-[a-z]+|reporter|command)[.]ts$';
const base = '^engine/base/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'imports run in no circle',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'every import can be resolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'engine-base knows nothing but node',
      severity: 'error',
      from: { path: base },
      to: { pathNot: base, dependencyTypesNot: ['core'] },
    },
    {
      name: 'nouns know one another and base only',
      severity: 'error',
      from: { path: nouns },
      to: { pathNot: [nouns, base, '^node_modules/graphology'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'contracts know nouns, base and types only',
      severity: 'error',
      from: { path: contracts },
      to: { pathNot: [nouns, contracts, base, '^lake/lake[.]ts$'], dependencyTypesNot: ['core', 'type-only'] },
    },
    {
      name: 'contracts know no driver but the types of pg',
      severity: 'error',
      from: { path: contracts },
      to: { path: '^node_modules/', pathNot: '^node_modules/(@types/)?pg/' },
    },
    {
      name: 'load, execute, stores, reporters, exporters, schedule and alarms do not know each other',
      severity: 'error',
      from: { path: '^engine/(load|execute|stores|reporters|exporters|schedule|alarms)/' },
      to: { path: '^engine/(load|execute|stores|reporters|exporters|schedule|alarms|commands|serve)/', pathNot: '^engine/$1/' },
    },
    {
      name: 'the page talks HTTP only, and takes types, the sum of events and words for figures from the engine',
      severity: 'error',
      from: { path: '^ui/' },
      to: {
        path: '^(engine|connectors|lake|generators)/',
        pathNot: [
          '^engine/(api|api-[a-z]+|history|queue|store|event|run|plan|problem|error)[.]ts$',
          '^engine/base/count[.]ts$',
          '^engine/reporters/(figures|event-view)[.]ts$',
        ],
      },
    },
    {
      name: 'the page knows preact and a chart only',
      severity: 'error',
      from: { path: '^ui/', pathNot: '^ui/vite[.]config[.]ts$' },
      to: { path: '^node_modules/', pathNot: '^node_modules/(preact|uplot)/' },
    },
    {
      name: 'the page is imported by nobody',
      severity: 'error',
      from: { path: '^(engine|connectors|lake|generators)/' },
      to: { path: '^ui/' },
    },
    {
      name: 'commands are known to main only',
      severity: 'error',
      from: { path: '^(engine|connectors|lake|generators)/', pathNot: '^engine/(main[.]ts$|commands/)' },
      to: { path: '^engine/commands/' },
    },
    {
      name: 'main is imported by nobody',
      severity: 'error',
      from: { path: '^(engine|connectors|lake|generators)/' },
      to: { path: '^engine/main[.]ts$' },
    },
    {
      name: 'connectors are known to main only',
      severity: 'error',
      from: { path: '^(engine|lake|generators)/', pathNot: '^engine/main[.]ts$' },
      to: { path: '^connectors/' },
    },
    {
      name: 'a connector knows no other connector',
      severity: 'error',
      from: { path: '^connectors/([^/]+)/' },
      to: { path: '^connectors/', pathNot: '^connectors/$1/' },
    },
    {
      name: 'a connector knows the contract, nouns, base and the lake, and no more of the engine',
      severity: 'error',
      from: { path: '^connectors/[^/]+/' },
      to: { path: '^(engine|generators)/', pathNot: ['^engine/(connector|error|event|plan|config)[.]ts$', base] },
    },
    {
      name: 'the lake knows base, errors and DuckDB only',
      severity: 'error',
      from: { path: '^lake/' },
      to: { pathNot: ['^lake/', base, '^engine/error[.]ts$', '^node_modules/@duckdb/'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'generators know base, errors, faker and pg only',
      severity: 'error',
      from: { path: '^generators/' },
      to: {
        pathNot: ['^generators/', base, '^engine/error[.]ts$', '^node_modules/(@types/)?(@faker-js/faker|pg|pg-copy-streams)/'],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'sources know no tests',
      severity: 'error',
      from: { path: '^(engine|connectors|lake|generators)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'uvu is wrapped once',
      severity: 'error',
      from: { pathNot: '^test/support/suite[.]ts$' },
      to: { path: '^node_modules/uvu/(index|dist)' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    moduleSystems: ['es6', 'cjs'],
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
