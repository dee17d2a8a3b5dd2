// What a drained run must have left in its tables. Tables are loaded as bronze, silver, quarantine, late and one per query.
import { canonical } from './events.mjs';
import { sameByKey, sameColumns, sameRows } from './compare.mjs';
import { assignments, CLOSING_MS, HORIZON_MS, QUERIES, result } from './queries.mjs';
import { literal, name } from './sql.mjs';
import { lateForStreams, STREAMS } from './streams.mjs';

const EVENT = ['event_id', 'event_type', 'action_category', 'event_time', 'user_id', 'session_id', 'product_id', 'product_name', 'category', 'price', 'quantity',
  'revenue', 'device_type', 'country', 'page', 'element', 'extra'].join(', ');

/** Every record exactly once, with the bytes it was sent with. */
export async function bronze(v, db) {
  await v.none('bronze: one row per offset', db, 'select kafka_partition, kafka_offset, count(*) as rows from bronze group by all having count(*) > 1');
  await v.none('bronze: no offset left out', db, `select kafka_partition, min(kafka_offset) as first, max(kafka_offset) as last, count(*) as rows
    from bronze group by all having count(*) <> max(kafka_offset) - min(kafka_offset) + 1`);
  await sameRows(v, 'bronze: the bytes of the input', db, 'select value from input_records', 'select value from bronze');
}

/**
 * Every valid event exactly once, typed as the schema says; every other record in quarantine with its reason. An event whose id its partition has had
 * before is in neither; only so far behind the frontier that the id was forgotten it may be in silver again.
 */
export async function silver(v, db) {
  await db.run(`create table valid as select b.kafka_partition, b.kafka_offset, e.* exclude (run, value),
    row_number() over (partition by b.kafka_partition, e.event_id order by b.kafka_offset) > 1 as repeated
    from bronze b join (select distinct on (value) * from input_events) e on b.value = e.value`);
  await v.none('silver and quarantine: every record in one of them, or a duplicate', db, `
    select b.kafka_partition, b.kafka_offset, coalesce(s.rows, 0) as in_silver, coalesce(q.rows, 0) as in_quarantine, e.repeated from bronze b
    left join (select kafka_partition, kafka_offset, count(*) as rows from silver group by all) s using (kafka_partition, kafka_offset)
    left join (select kafka_partition, kafka_offset, count(*) as rows from quarantine group by all) q using (kafka_partition, kafka_offset)
    left join valid e using (kafka_partition, kafka_offset)
    where coalesce(s.rows, 0) + coalesce(q.rows, 0) <> 1 and not (e.repeated and s.rows is null and q.rows is null)`);
  await v.none('silver: duplicates only beyond the horizon', db, `
    select e.kafka_partition, e.kafka_offset, e.event_id, l.frontier_ms - epoch_ms(e.event_time) as behind_ms
    from valid e join silver s using (kafka_partition, kafka_offset)
    left join (select kafka_partition, kafka_offset, max(epoch_ms(frontier)) as frontier_ms from late group by all) l using (kafka_partition, kafka_offset)
    where e.repeated and coalesce(l.frontier_ms < epoch_ms(e.event_time) + ${2 * HORIZON_MS}, true)`);
  await v.none('silver and quarantine: nothing that is not in bronze', db, `
    select kafka_partition, kafka_offset from (select kafka_partition, kafka_offset from silver union all select kafka_partition, kafka_offset from quarantine)
    except select kafka_partition, kafka_offset from bronze`);
  await canonicalExtra(db);
  const names = EVENT.split(', ');
  sameColumns(v, 'silver', (await db.columns('input_events')).filter(c => names.includes(c.name)), (await db.columns('silver')).filter(c => names.includes(c.name)));
  await sameRows(v, 'silver: the valid events of the input', db, `select ${EVENT} from valid e where not repeated
    or exists (select 1 from silver s where s.kafka_partition = e.kafka_partition and s.kafka_offset = e.kafka_offset)`, `select ${EVENT} from silver`);
  await v.none('silver: event_date is the day of event_time', db, 'select event_id, event_time, event_date from silver where event_date <> event_time::date');
  await v.none('silver: each event at the offset of its record', db, `
    select s.kafka_partition, s.kafka_offset, s.event_id from silver s join bronze b using (kafka_partition, kafka_offset)
    where not contains(decode(b.value), s.event_id) or s.kafka_time <> b.kafka_time`);
  await v.none('silver: records of a user share key and partition', db,
    'select user_id, count(distinct kafka_partition) as partitions from silver group by user_id having count(distinct kafka_partition) > 1');
  await sameRows(v, 'quarantine: the broken records with their reasons', db,
    'select reason, value from input_records where reason is not null', 'select reason, value from quarantine');
  await v.none('quarantine: the origin names the record', db, `
    select q.kafka_partition, q.kafka_offset, q.reason from quarantine q left join bronze b using (kafka_partition, kafka_offset)
    where q.value is distinct from b.value or q.kafka_time is distinct from b.kafka_time`);
}

/** Unknown fields are compared as values, not as text. */
async function canonicalExtra(db) {
  await db.run('create temp table extras (given VARCHAR, canonical VARCHAR)');
  for (const { extra } of await db.rows('select distinct extra from silver where extra is not null'))
    await db.run(`insert into extras values (${literal(extra)}, ${literal(canonical(JSON.parse(extra)))})`);
  await db.run('update silver set extra = canonical from extras where extra = given');
}

/**
 * Late rows: each is one event that the query takes, names exactly the windows that were closed by its frontier, and that frontier was not
 * ahead of what its partition had seen or of what an earlier, drained run had closed. In a later run all that is older must be late.
 */
export async function late(v, db) {
  await db.run(`create table closed_before as select run, (select max(event_ms) from events p where p.run < r.run) as max_ms from (select distinct run from events) r`);
  await db.run(`create table seen_before as select kafka_partition, kafka_offset,
    max(event_ms) over (partition by kafka_partition order by kafka_offset rows between unbounded preceding and 1 preceding) as max_ms from events`);
  for (const query of QUERIES) {
    await db.run(`create or replace temp view pairs as ${assignments(query, 'events')}`);
    await db.run(`create or replace table judged as
      select l.* exclude (frontier), epoch_ms(l.frontier) as frontier_ms, epoch_ms(l.frontier) - ${query.delay} as watermark_ms, epoch_ms(l.window_end) as end_ms
      from late l where l.query = '${query.name}'`);
    const title = `late of ${query.name}`;
    const closed = `p.window_end_ms <= l.watermark_ms or p.event_ms <= l.frontier_ms - ${HORIZON_MS}`;
    await v.none(`${title}: one row per event`, db, 'select kafka_partition, kafka_offset, count(*) as rows from judged group by all having count(*) > 1');
    await v.none(`${title}: only events that the query takes`, db, `
      select l.kafka_partition, l.kafka_offset, l.event_id from judged l anti join pairs p
      on l.kafka_partition = p.kafka_partition and l.kafka_offset = p.kafka_offset and l.event_id = p.event_id`);
    await v.none(`${title}: exactly the windows closed by the frontier`, db, `
      select l.kafka_partition, l.kafka_offset, any_value(l.end_ms) as named_end, max(p.window_end_ms) filter (${closed}) as last_closed,
        any_value(l.windows_missed) as missed, any_value(l.windows_counted) as counted, any_value(l.lag_ms) as lag_ms
      from judged l join pairs p on l.kafka_partition = p.kafka_partition and l.kafka_offset = p.kafka_offset
      group by l.kafka_partition, l.kafka_offset
      having last_closed is distinct from named_end or missed <> count(*) filter (${closed})
        or counted <> count(*) filter (not (${closed})) or any_value(epoch_ms(l.window_start)) <> named_end - ${query.size}
        or lag_ms <> any_value(l.watermark_ms) - named_end`);
    await v.none(`${title}: the frontier was not ahead of the events`, db, `
      select l.kafka_partition, l.kafka_offset, l.frontier_ms, s.max_ms as partition_had_seen, c.max_ms as earlier_runs_had_seen
      from judged l join events e using (kafka_partition, kafka_offset) join seen_before s using (kafka_partition, kafka_offset) join closed_before c using (run)
      where l.frontier_ms > greatest(coalesce(s.max_ms, -1), coalesce(c.max_ms + ${CLOSING_MS}, -1))`);
    await v.none(`${title}: all that is older than an earlier run is late for every window`, db, `
      select p.kafka_partition, p.kafka_offset, p.event_ms, any_value(l.windows_missed) as missed from pairs p join closed_before c using (run)
      left join judged l on l.kafka_partition = p.kafka_partition and l.kafka_offset = p.kafka_offset
      where p.event_ms <= c.max_ms group by all having missed is distinct from ${query.size / query.slide}`);
  }
  await lateForStreams(v, db);
  await v.none('late: only known queries', db, `select distinct query from late where query not in (${[...QUERIES, ...STREAMS].map(q => literal(q.name)).join(', ')})`);
}

/** Gold: each query in SQL over silver, an event counting for the windows that the late table does not say it missed. */
export const gold = (v, db) => goldOf(v, db, query => `select p.* from (${assignments(query, 'events')}) p left join (select kafka_partition, kafka_offset, epoch_ms(window_end) as missed_up_to
  from late where query = '${query.name}') l using (kafka_partition, kafka_offset) where missed_up_to is null or p.window_end_ms > missed_up_to`);

/** Gold after every late event was merged: each query over all of silver, whenever it came; only an event whose id came before counts nowhere. */
export async function goldReopened(v, db) {
  await db.run('create table counted as select e.* from events e anti join (select * from valid where repeated) r using (kafka_partition, kafka_offset)');
  await goldOf(v, db, query => assignments(query, 'counted'));
}

async function goldOf(v, db, pairsOf) {
  for (const query of QUERIES) {
    const expected = `expected ${query.name}`;
    await db.run(`create table ${name(expected)} as ${result(query, pairsOf(query))}`);
    await sameByKey(v, `gold/${query.name}`, db, expected, query.name, ['window_start', 'window_end', ...query.keys]);
  }
}
