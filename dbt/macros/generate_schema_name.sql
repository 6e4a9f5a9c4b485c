{# A model's `schema` is the schema, as it is written: no prefix from the profile. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
