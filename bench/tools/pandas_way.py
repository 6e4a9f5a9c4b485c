"""The way that is written by hand most often: read_sql in chunks, to_parquet, and back with to_sql or COPY from a StringIO.

Commands: extract, load, sync. Each prints one JSON line with its seconds.
"""
import argparse
import glob
import io
import json
import os
import shutil
import time

import pandas as pd
from sqlalchemy import create_engine, text

parser = argparse.ArgumentParser()
parser.add_argument("command", choices=["extract", "load", "sync"])
parser.add_argument("--source")
parser.add_argument("--target")
parser.add_argument("--table", required=True)
parser.add_argument("--schema", default="staging")
parser.add_argument("--folder", required=True)
parser.add_argument("--how", choices=["to_sql", "copy"], default="copy")
parser.add_argument("--lookback", default="0 seconds")
parser.add_argument("--text", help="a column that the query casts to text")
parser.add_argument("--chunk", type=int, default=100_000)
options = parser.parse_args()


def url(given):
    return given.replace("postgresql://", "postgresql+psycopg2://", 1)


def extract(after=None):
    """Chunks through a cursor of the server, or the whole result would be held in memory; a file for each."""
    shutil.rmtree(options.folder, ignore_errors=True)
    os.makedirs(options.folder)
    columns = "*" if options.text is None else f"id, {options.text}::text AS {options.text}, updated_at"
    query = f"SELECT {columns} FROM public.{options.table}"
    if after is not None:
        query += " WHERE updated_at > CAST(:after AS timestamptz)"
    rows = 0
    with create_engine(url(options.source)).connect().execution_options(stream_results=True) as connection:
        chunks = pd.read_sql(text(query), connection, params={"after": after} if after is not None else None, chunksize=options.chunk)
        for number, chunk in enumerate(chunks):
            # A dict would become a struct of every key that occurs.
            for column in chunk.columns[chunk.dtypes == object]:
                if chunk[column].map(lambda value: isinstance(value, (dict, list))).any():
                    chunk[column] = chunk[column].map(json.dumps)
            chunk.to_parquet(os.path.join(options.folder, f"part-{number:05}.parquet"), engine="pyarrow", index=False)
            rows += len(chunk)
    return rows


def parts():
    for path in sorted(glob.glob(os.path.join(options.folder, "*.parquet"))):
        yield pd.read_parquet(path, engine="pyarrow")


def put(connection, chunk, name, schema):
    if options.how == "to_sql":
        chunk.to_sql(name, connection, schema=schema, if_exists="append", index=False, chunksize=10_000)
        return
    buffer = io.StringIO()
    chunk.to_csv(buffer, index=False, header=False)
    buffer.seek(0)
    place = f'"{schema}".{name}' if schema else name
    columns = ", ".join(f'"{column}"' for column in chunk.columns)
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {place} ({columns}) FROM STDIN WITH (FORMAT csv)", buffer)


def load():
    engine = create_engine(url(options.target))
    rows = 0
    with engine.begin() as connection:
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{options.schema}"'))
        for number, chunk in enumerate(parts()):
            if number == 0:
                chunk.head(0).to_sql(options.table, connection, schema=options.schema, if_exists="replace", index=False)
            put(connection, chunk, options.table, options.schema)
            rows += len(chunk)
        connection.execute(text(f'ALTER TABLE "{options.schema}".{options.table} ADD PRIMARY KEY (id)'))
    return rows


def merge():
    engine = create_engine(url(options.target))
    place = f'"{options.schema}".{options.table}'
    rows = 0
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TEMP TABLE incoming (LIKE {place}) ON COMMIT DROP"))
        columns = []
        for chunk in parts():
            columns = list(chunk.columns)
            put(connection, chunk, "incoming", None)
            rows += len(chunk)
        if rows > 0:
            names = ", ".join(f'"{column}"' for column in columns)
            sets = ", ".join(f'"{column}" = excluded."{column}"' for column in columns if column != "id")
            connection.execute(
                text(f"INSERT INTO {place} ({names}) SELECT {names} FROM incoming ON CONFLICT (id) DO UPDATE SET {sets}")
            )
    return rows


def newest():
    """The newest cursor that has arrived, less the lookback; nothing when there is no table yet."""
    with create_engine(url(options.target)).connect() as connection:
        there = connection.execute(text("SELECT to_regclass(:name)"), {"name": f'"{options.schema}".{options.table}'}).scalar()
        if there is None:
            return None
        query = f"SELECT (max(updated_at)::timestamptz - CAST(:lookback AS interval))::text FROM \"{options.schema}\".{options.table}"
        return connection.execute(text(query), {"lookback": options.lookback}).scalar()


began = time.perf_counter()
if options.command == "extract":
    count = extract()
elif options.command == "load":
    count = load()
else:
    after = newest()
    extract(after)
    count = load() if after is None else merge()
print(json.dumps({"rows": count, "seconds": time.perf_counter() - began}))
