{{ fitbit_daily('total-calories', 'rollupDataPoints', 'totalCalories.kcalSum', 'calories_kcal') }}

-- A body always burns something: 0 is a day without data.
select * from renamed
where calories_kcal > 0
