select
    id,
    lower(trim(email)) as email,
    nullif(trim(first_name), '') as first_name,
    nullif(trim(last_name), '') as last_name,
    nullif(trim(phone), '') as phone,
    upper(country) as country,
    lower(trim(status)) as status,
    coalesce(marketing_opt_in, false) as marketing_opt_in,
    created_at,
    updated_at,
    _extracted_at
from {{ source('staging', 'users') }}
