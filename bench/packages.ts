/** The hand-written way and dlt, pinned: what the tables of the bench and of the comparison name as their versions. */
export const pandasPackages = ['pandas==3.1.1', 'pyarrow==26.0.1', 'SQLAlchemy==2.1.9', 'psycopg2-binary==2.9.13'] as const;
export const dltPackages = ['dlt[postgres,parquet]==1.31.0', ...pandasPackages] as const;
