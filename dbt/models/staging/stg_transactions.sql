select
    id,
    user_id,
    amount,
    upper(currency) as currency,
    lower(trim(status)) as status,
    nullif(trim(merchant), '') as merchant,
    nullif(trim(description), '') as description,
    metadata,
    created_at,
    updated_at,
    _extracted_at
from {{ source('staging', 'transactions') }}
