{{ fitbit_daily('fitbit_steps', 'rollupDataPoints', 'steps.countSum', 'steps') }}

select * from renamed
where steps >= 0
