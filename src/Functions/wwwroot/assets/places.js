import { el, card, swap, table, empty, show, bytes, clock, time, duration, money } from './dom.js';
import { post } from './api.js';

const number = (title, read) => ({ title, number: true, text: row => show(read(row)) });
const facts = pairs => el('dl', 'figures', pairs.map(([name, value, tone]) => el('div', { 'data-tone': tone }, el('dt', {}, name), el('dd', {}, value))));

export function partitions(root) {
  const body = el('div', {});
  root.replaceChildren(el('h1', {}, 'Partitions'), body);
  return {
    paths: ['api/partitions'], every: 3000,
    render(data) {
      swap(body, data.partitions.length === 0 ? empty('No partitions yet', 'They appear once the pipeline has looked at the topic.')
        : el('div', 'card', table('Where reading and the log stand', [
          { title: 'partition', node: row => el('a', { href: `#/partitions/${row.partition}`, 'data-key': `p${row.partition}` }, `partition ${row.partition}`) },
          number('next offset', r => r.next), number('log end', r => r.log_end), number('lag', r => r.lag),
          { title: 'latest event', text: r => clock(r.max_event_time) },
          { title: 'behind frontier', text: r => data.frontier && r.max_event_time ? duration(Date.parse(data.frontier) - Date.parse(r.max_event_time)) : '–' },
          number('open ranges', r => data.ranges.filter(range => range.partition === r.partition).length),
        ], data.partitions)),
        data.gaps.length > 0 ? card('Lost offsets', table('Gone before they could be read', [number('partition', g => g.partition), number('from', g => g.from), number('to', g => g.to), { title: 'noticed', text: g => clock(new Date(g.detected_ms).toISOString()) }], data.gaps)) : null);
    },
  };
}

export function partition(root, id) {
  const body = el('div', {});
  root.replaceChildren(el('p', {}, el('a', { href: '#/partitions' }, 'All partitions')), el('h1', {}, `Partition ${id}`), body);
  return {
    paths: ['api/partitions'], every: 3000,
    render(data) {
      const own = data.partitions.find(p => String(p.partition) === id);
      if (!own) return swap(body, empty('There is no such partition', 'The list has all there are.'));
      const ranges = data.ranges.filter(r => String(r.partition) === id);
      swap(body, facts([['Next offset', show(own.next)], ['Log end', show(own.log_end)], ['Lag', show(own.lag), own.lag > 0 ? 'warn' : null], ['Latest event', clock(own.max_event_time)], ['Frontier', clock(data.frontier)]]),
        card('Open ranges', ranges.length === 0 ? empty('None', 'All of it is in Delta and in the entities.') : table('Ranges that are not yet in Delta and in every entity, newest first', [
          number('from', r => r.from), number('to', r => r.to), number('offsets', r => r.to - r.from), number('rows in tables', r => r.rows), { title: 'size', number: true, text: r => r.staged ? 'staged' : bytes(r.bytes) },
          { title: 'judged by frontier', text: r => clock(r.frontier) }, { title: 'Kafka time', text: r => clock(r.kafka_time) }, { title: 'in Delta', text: r => show(r.in_delta) },
        ], ranges)));
    },
  };
}

export function entities(root) {
  const body = el('div', {});
  root.replaceChildren(el('h1', {}, 'Entities'), el('p', 'quiet', 'Durable entities hold the state of open windows, by span of time. Backlog is what the tick has merged and the entity not yet.'), body);
  return {
    paths: ['api/entities'], every: 3000,
    render(data) {
      swap(body, data.entities.length === 0 ? empty('No state', 'There are no open windows.') : el('div', 'card', table('Entities in memory, newest span first', [
        { title: 'entity', text: r => r.key }, { title: 'span begins', text: r => clock(r.start) },
        number('version', r => r.version), { title: 'state', number: true, text: r => bytes(r.state_bytes) }, { title: 'of the limit', number: true, text: r => `${show(100 * r.state_bytes / data.limit)} %` },
        number('backlog, ranges', r => r.backlog), { title: 'backlog, size', number: true, text: r => bytes(r.backlog_bytes) },
        { title: 'waits since', text: r => r.waiting_since ? time(r.waiting_since) : '–' },
      ], data.entities)));
    },
  };
}

export function tables(root) {
  const body = el('div', {});
  root.replaceChildren(el('h1', {}, 'Delta tables'), body);
  return {
    paths: ['api/tables'], every: 15000,
    render(data) {
      swap(body, el('div', 'card', table('Tables of the lake', [
        { title: 'table', node: r => el('a', { href: `#/tables/${r.name}`, 'data-key': r.name }, r.name) },
        { title: 'version', number: true, text: r => r.version < 0 ? 'none' : show(r.version) }, number('rows', r => r.rows), number('files', r => r.files), number('below 32 MB', r => r.small_files),
        { title: 'size', number: true, text: r => bytes(r.bytes) }, { title: 'mean file', number: true, text: r => r.files ? bytes(r.bytes / r.files) : '–' }, { title: 'newest file', text: r => clock(r.changed_at) },
      ], data)));
    },
  };
}

export function lakeTable(root, name) {
  const body = el('div', {});
  root.replaceChildren(el('p', {}, el('a', { href: '#/tables' }, 'All tables')), el('h1', {}, name), body);
  return {
    paths: [`api/tables/${name.split('/').map(encodeURIComponent).join('/')}`], every: 15000,
    render({ table: own, columns, history, files }) {
      if (own.version < 0) return swap(body, empty('Not there yet', 'It is made by the first run of the pipeline.'));
      const packed = history.find(v => v.operation === 'OPTIMIZE');
      swap(body, facts([['Version', show(own.version)], ['Rows', show(own.rows)], ['Files', show(own.files)], ['Below 32 MB', show(own.small_files), own.small_files > 2000 ? 'warn' : null], ['Size', bytes(own.bytes)],
        ['Partitioned by', own.partition_columns.join(', ') || 'nothing'], ['Last packed', packed ? clock(packed.at) : `not in the last ${history.length} versions`]]),
      card('History', table('Newest versions', [number('version', v => v.version), { title: 'time', text: v => clock(v.at) }, { title: 'operation', text: v => v.operation },
        { title: 'metrics', text: v => Object.entries(v.metrics).map(([k, n]) => `${k} ${n}`).join(', ') || '–' }, { title: 'trace', text: v => v.trace ?? '–' }], history)),
      card('Files', table(`Newest ${files.length} files`, [{ title: 'file', text: f => f.path }, { title: 'size', number: true, text: f => bytes(f.bytes) }, number('rows', f => f.rows), { title: 'time', text: f => clock(f.at) }], files)),
      card('Columns', table('Columns', [{ title: 'column', text: c => c.name }, { title: 'type', text: c => c.type === 'decimal' ? `decimal(${c.precision},${c.scale})` : c.type }], columns)));
    },
  };
}

const value = (record, name) => record[name] ?? (record[`${name}_base64`] !== undefined ? `base64 ${record[`${name}_base64`]}` : null);

export function quarantine(root, _, params) {
  const topic = params.get('topic') ?? 'events';
  const path = topic === 'events' ? 'api/quarantine' : `api/quarantine?topic=${encodeURIComponent(topic)}`;
  const chosen = new Set();
  const outcomes = new Map();
  const body = el('div', {});
  const said = el('p', { role: 'status', id: 'replay-said' });
  const reason = el('select', { id: 'reason', onchange: () => draw() }, el('option', { value: '' }, 'all reasons'));
  const replay = el('button', { type: 'button', class: 'main', id: 'replay', disabled: true, onclick: () => send() }, 'Replay chosen');
  const topics = el('p', { id: 'topics' });
  let last = null;
  root.replaceChildren(el('h1', {}, 'Quarantine'), topics, el('p', 'quiet', 'Records that are no valid events, as they came. Replaying sends the same bytes to the same partition again, once for each record: useful after a change of settings or code; otherwise they come back here under a new offset.'),
    el('div', 'row', el('label', { for: 'reason' }, 'Reason'), reason, replay), said, body);
  const id = r => `${r.kafka_partition}/${r.kafka_offset}`;

  async function send() {
    const records = [...chosen].map(key => key.split('/').map(Number)).map(([p, o]) => ({ partition: p, offset: o })).slice(0, 100);
    replay.disabled = true;
    said.textContent = `Sending ${records.length} …`;
    try {
      const answer = await post('api/quarantine/replay', { topic, records });
      for (const outcome of answer.outcomes) outcomes.set(`${outcome.partition}/${outcome.offset}`, outcome);
      const counts = Object.entries(Object.groupBy(answer.outcomes, o => o.outcome)).map(([name, all]) => `${all.length} ${name}`).join(', ');
      said.textContent = `Replay: ${counts}. ${answer.outcomes.filter(o => !['sent', 'already'].includes(o.outcome)).map(o => o.text)[0] ?? ''}`;
      chosen.clear();
    } catch (error) {
      said.textContent = `Nothing was confirmed: ${error.message}`;
    }
    draw();
  }

  function state(entry) {
    const outcome = outcomes.get(id(entry.record));
    if (outcome?.sent_as !== undefined && outcome?.sent_as !== null) return `sent as offset ${outcome.sent_as}`;
    if (entry.replay?.sent_as !== undefined && entry.replay?.sent_as !== null) return `sent as offset ${entry.replay.sent_as}`;
    return outcome ? outcome.outcome : entry.replay ? 'begun' : '–';
  }

  function draw() {
    if (!last) return;
    // One topic alone needs no choice.
    swap(topics, ...(last.topics.length < 2 ? [] : ['Topic: ', ...last.topics.flatMap((name, i) => [i > 0 ? ' · ' : '', el('a', { href: name === 'events' ? '#/quarantine' : `#/quarantine?topic=${encodeURIComponent(name)}`, 'data-key': name, 'aria-current': name === last.topic ? 'page' : null }, name)])]));
    const reasons = [...new Set(last.records.map(r => r.record.reason))].sort();
    const wanted = reason.value;
    swap(reason, el('option', { value: '' }, `all reasons (${last.records.length})`), ...reasons.map(r => el('option', { value: r, selected: r === wanted }, `${r} (${last.records.filter(x => x.record.reason === r).length})`)));
    const rows = last.records.filter(r => !wanted || r.record.reason === wanted);
    replay.disabled = chosen.size === 0;
    replay.textContent = chosen.size === 0 ? 'Replay chosen' : `Replay ${chosen.size} chosen`;
    swap(body, last.records.length === 0 ? empty('Quarantine is empty', 'Every record so far was a valid event.') : el('div', 'card', table(`Newest ${rows.length} records${last.complete ? '' : `; there are more in ${last.table}`}`, [
      { title: 'choose', node: entry => el('input', { type: 'checkbox', 'data-key': id(entry.record), 'aria-label': `Choose partition ${entry.record.kafka_partition}, offset ${entry.record.kafka_offset}`, checked: chosen.has(id(entry.record)), disabled: state(entry).startsWith('sent'),
        onchange: event => { event.target.checked ? chosen.add(id(entry.record)) : chosen.delete(id(entry.record)); replay.disabled = chosen.size === 0; replay.textContent = chosen.size === 0 ? 'Replay chosen' : `Replay ${chosen.size} chosen`; } }) },
      { title: 'reason', text: entry => entry.record.reason }, { title: 'replay', text: state },
      { title: 'origin', text: entry => `partition ${entry.record.kafka_partition}, offset ${entry.record.kafka_offset}` },
      { title: 'Kafka time', text: entry => clock(entry.record.kafka_time) },
      { title: 'detail', text: entry => entry.record.detail },
      { title: 'record', wrap: true, text: entry => (value(entry.record, 'value') ?? '(tombstone)').slice(0, 600) },
    ], rows.slice(0, 200))));
  }

  return { paths: [path], every: 6000, render(data) { last = data; draw(); } };
}

const shown = new Set(['event_id', 'event_type', 'event_time', 'event_date', 'user_id', 'session_id', 'kafka_topic', 'kafka_partition', 'kafka_offset', 'kafka_time', 'ingest_time', 'extra']);

export function timeline(root, _, params) {
  const asked = params.get('session') ? ['session', params.get('session')] : ['user', params.get('user') ?? ''];
  const kind = el('select', { id: 'kind' }, el('option', { value: 'user', selected: asked[0] === 'user' }, 'user'), el('option', { value: 'session', selected: asked[0] === 'session' }, 'session'));
  const who = el('input', { id: 'who', value: asked[1], required: true, autocomplete: 'off' });
  const body = el('div', {});
  root.replaceChildren(el('h1', {}, 'Timeline'),
    el('form', { onsubmit: event => { event.preventDefault(); location.hash = `#/timeline?${kind.value}=${encodeURIComponent(who.value)}`; } },
      el('div', 'row', el('label', { for: 'kind' }, 'Events of'), kind, el('label', { for: 'who' }, 'with id'), who, el('button', 'main', 'Show'))), body);
  if (!asked[1]) {
    body.append(empty('Whose?', 'Give the id of a user or a session; quarantine and results link here.'));
    return { paths: [], every: 60000, render() { } };
  }
  return {
    paths: [`api/timeline?${asked[0]}=${encodeURIComponent(asked[1])}`], every: 10000,
    render(data) {
      if (data.events.length === 0) return swap(body, empty('No events', data.complete ? 'Silver has none of this id.' : `None in the newest ${data.files_read} files.`));
      const total = data.events.reduce((all, e) => all + Number(e.revenue ?? 0), 0);
      const entries = data.events.map((e, i) => {
        const next = data.events[i + 1];
        const pause = next ? Date.parse(e.event_time) - Date.parse(next.event_time) : 0;
        const more = Object.entries(e).filter(([name, v]) => v !== null && !shown.has(name)).map(([name, v]) => `${name} ${name === 'price' || name === 'revenue' ? money(v) : v}`).join(', ');
        return [el('li', {}, el('strong', {}, e.event_type), ` ${clock(e.event_time)} `, more ? el('div', 'small', more) : null,
          el('div', 'small quiet', e.session_id && asked[0] === 'user' ? el('a', { href: `#/timeline?session=${encodeURIComponent(e.session_id)}`, 'data-key': `${e.event_id}${i}` }, `session ${e.session_id}`) : null,
            asked[0] === 'session' ? el('a', { href: `#/timeline?user=${encodeURIComponent(e.user_id)}`, 'data-key': `${e.event_id}${i}` }, `user ${e.user_id}`) : null, ` partition ${e.kafka_partition}, offset ${e.kafka_offset}`)),
        pause > 30 * 60000 ? el('li', 'gap', `${duration(pause)} of silence`) : null];
      });
      swap(body, facts([['Events', show(data.events.length) + (data.complete ? '' : ' newest')], ['From', clock(data.events.at(-1).event_time)], ['To', clock(data.events[0].event_time)], ['Revenue', money(total)]]),
        card('Newest first', el('ul', 'timeline', entries.flat())));
    },
  };
}
