/** What dbt's environment is made of, in pip's own forms: the few asked for, and the version of all that they bring, so that a year later the same is installed. */
export const requirements = `dbt-core==1.11.16
dbt-postgres==1.11.0
psycopg2-binary==2.9.13
`;

export const constraints = `agate==1.9.1
annotated-types==0.8.0
attrs==26.1.0
babel==2.18.0
certifi==2026.10.18
charset-normalizer==3.5.2
click==8.5.1
colorama==0.4.6
daff==1.4.2
dbt-adapters==1.24.5
dbt-common==1.39.0
dbt-extractor==0.6.0
dbt-protos==1.0.615
dbt-semantic-interfaces==0.9.0
deepdiff==8.6.2
idna==3.20
importlib_metadata==8.9.0
isodate==0.7.2
Jinja2==3.1.6
jsonschema==4.26.0
jsonschema-specifications==2025.9.1
leather==0.4.1
MarkupSafe==3.0.4
mashumaro==3.14
more-itertools==10.8.0
msgpack==1.2.4
networkx==3.6.1 ; python_version >= '3.11'
networkx==3.4.2 ; python_version < '3.11'
opentelemetry-api==1.45.2
orderly-set==5.5.0
packaging==26.3
parsedatetime==2.6
pathspec==0.12.1
protobuf==6.33.6
pydantic==2.14.3
pydantic_core==2.50.4
python-dateutil==2.9.0.post0
python-slugify==9.2.0
pytimeparse==1.1.10 ; python_version >= '3.11'
pytimeparse==1.1.8 ; python_version < '3.11'
pytz==2026.6
PyYAML==6.0.3
referencing==0.37.0
requests==2.34.2
rpds-py==2026.9.1 ; python_version >= '3.11'
rpds-py==0.30.0 ; python_version < '3.11'
six==1.17.0
snowplow-tracker==1.1.0
sqlparse==0.6.1
text-unidecode==1.3
typing-inspection==0.4.5
typing_extensions==4.16.0
urllib3==2.8.0
zipp==4.1.2
`;
