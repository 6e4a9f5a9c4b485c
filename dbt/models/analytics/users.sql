{{ config(unique_key='id', indexes=[{'columns': ['id'], 'unique': true}, {'columns': ['_extracted_at']}]) }}

{{ latest(ref('stg_users'), 'id') }}
