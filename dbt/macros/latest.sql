{#
  The latest version of each key, by extraction: the order that never misses a row which committed late.
  An incremental build reads only what was extracted after all that `this` has; what is new always was.
#}
{% macro latest(relation, key) -%}
  select distinct on ({{ key }}) *
  from {{ relation }}
  {% if is_incremental() -%}
  where _extracted_at > (select coalesce(max(_extracted_at), '-infinity') from {{ this }})
  {% endif -%}
  order by {{ key }}, _extracted_at desc
{%- endmacro %}
