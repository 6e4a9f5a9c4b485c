"""dlt's own sql_table source into its postgres destination: merge by the key from the newest `updated_at`, or replace.

Prints one JSON line with the seconds of each step.
"""
import argparse
import json
import time

import dlt
import sqlalchemy as sa
from dlt.sources.sql_database import sql_table

parser = argparse.ArgumentParser()
parser.add_argument("--source", required=True)
parser.add_argument("--target", required=True)
parser.add_argument("--table", required=True)
parser.add_argument("--schema", default="staging")
parser.add_argument("--folder", required=True)
parser.add_argument("--mode", choices=["merge", "replace"], default="merge")
parser.add_argument("--backend", choices=["sqlalchemy", "pyarrow"], default="sqlalchemy")
parser.add_argument("--lag", type=float)
parser.add_argument("--text", help="a column that the query casts to text")
options = parser.parse_args()


def as_text(query, table):
    columns = [sa.cast(c, sa.Text).label(c.name) if c.name == options.text else c for c in table.columns]
    return query.with_only_columns(*columns)


def text_type(table):
    table.columns[options.text].type = sa.Text()


pipeline = dlt.pipeline(
    pipeline_name=options.table,
    pipelines_dir=options.folder,
    destination=dlt.destinations.postgres(options.target),
    dataset_name=options.schema,
)
resource = sql_table(
    credentials=options.source.replace("postgresql://", "postgresql+psycopg2://", 1),
    table=options.table,
    schema="public",
    backend=options.backend,
    reflection_level="full_with_precision",
    **({} if options.text is None else {"query_adapter_callback": as_text, "table_adapter_callback": text_type}),
    incremental=dlt.sources.incremental("updated_at", lag=options.lag),
)
resource.apply_hints(primary_key="id", write_disposition=options.mode)

# dlt's page on performance names csv as the fastest way into Postgres.
file_format = "csv" if options.backend == "pyarrow" else None
seconds = {}
began = time.perf_counter()
pipeline.extract(resource, loader_file_format=file_format)
seconds["extract"] = time.perf_counter() - began
began = time.perf_counter()
pipeline.normalize()
info = pipeline.load()
info.raise_on_failed_jobs()
seconds["load"] = time.perf_counter() - began
print(json.dumps(seconds))
