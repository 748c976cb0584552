($3::date IS NULL OR s.local_date >= $3 AND s.start_time >= $3 - interval '14 hours')
      AND ($4::date IS NULL OR s.local_date <= $4 AND s.start_time < $4 + interval '36 hours')
      AND ($9::timestamptz IS NULL OR (s.start_time, s.event_id) {after} ($9, $10::bigint))
      AND ($11::timestamptz IS NULL OR (s.start_time, s.event_id) {until} ($11, $12::bigint))
