{{ fitbit_daily('steps', 'rollupDataPoints', 'steps.countSum', 'steps') }}

select * from renamed
where steps >= 0
