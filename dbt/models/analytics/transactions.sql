{{ config(
    unique_key='id',
    indexes=[{'columns': ['id'], 'unique': true}, {'columns': ['user_id']}, {'columns': ['_extracted_at']}]
) }}

{{ latest(ref('stg_transactions'), 'id') }}
