import * as assert from 'uvu/assert';
import { redact } from '../../../engine/base/secret.ts';
import { hideUrls } from '../../../engine/load/read.ts';
import { shownYaml } from '../../../engine/load/shown.ts';
import { suite } from '../../support/suite.ts';

suite('lines of pipelines.yaml that are shown', ({ test }) => {
  test('have no secret, wherever it is written and whether the file can be read or not', () => {
    const text = `version: 1
sources:
  production: { type: postgres, url: "postgres://app:s3cr3t-one@db.example/shop" }
  other:
    url: postgresql://app:s3cr3t@two@db.example:5433/shop?sslmode=require&sslpassword=s3cr3t-three
    # url: postgres://app:s3cr3t-four@old.example/shop
    # before: password = s3cr3t-five
lake: { type: s3, bucket: b, endpoint: "https://minio.example:9000" }
alerts:
  channels:
    hook:
      type: webhook
      url: https://hooks.example/s3cr3t-six/path
      headers:
        X-Api: s3cr3t-seven
        Other: >-
          s3cr3t-eight
          s3cr3t-nine
    flow: { type: webhook, url: 'https://hooks.example/s3cr3t-ten', headers: { A: "s3cr3t-eleven", B: s3cr3t-twelve } }
    open: { type: webhook, url: "\${HOOK}", headers: {
      A: s3cr3t-thirteen,
      B: "s3cr3t-fourteen" } }
    mail: { type: email, smtp: "smtps://me:s3cr3t-fifteen@mail.example", from: a@b.example, to: c@d.example }
  # slack: https://hooks.slack.example/services/s3cr3t-sixteen
  token: |
    s3cr3t-seventeen
  api_key: "s3cr3t-eighteen"
  - secret_access_key: s3cr3t-nineteen
 broken: [
`;
    const shown = shownYaml(text);
    assert.is(shown.length, text.split('\n').length);
    assert.not.match(shown.join('\n'), /s3cr3t/);
    for (const kept of ['db.example', 'hooks.example', 'minio.example:9000', 'mail.example', 'X-Api', '${HOOK}', 'a@b.example'])
      assert.ok(shown.join('\n').includes(kept), kept);
  });

  test('are otherwise as they are written', () => {
    const text = `version: 1
# the shop
sources: { production: { type: postgres, url: "\${SOURCE_URL:-embedded}" } }
daemon: { requireToken: true, listen: 0.0.0.0:4460 }
tables:
  users: { key: [id], cursor: updated_at }   # the newest first
pipelines:
  sync:
    tables: [users]
    schedule: { cron: "*/15 * * * *", timezone: Europe/Berlin }
    alerts: { freshness: 15m }
`;
    assert.is(shownYaml(text).join('\n'), text);
    assert.equal(shownYaml('password: ${PASSWORD}\r\npassword: "abc"'), ['password: ${PASSWORD}', 'password: ***']);
  });

  test('have no secret that is written in ways that only YAML knows', () => {
    const text = `masking: { salt: "s3cr3t-in-braces" }
tokens:
- s3cr3t-two
- s3cr3t-three
x-shared: &pw s3cr3t-four
other: { password: *pw }
"pass:word / old": s3cr3t-five
? api_key
: s3cr3t-six
alerts:
  channels:
    hook:
      headers: &anchor
        X/Odd: s3cr3t-seven
        "Odd: name": s3cr3t-eight
        ? odd
        : s3cr3t-nine
      type: webhook
lone: return\rpassword: s3cr3t-ten
fine: "yes"
`;
    const shown = shownYaml(text);
    assert.is(shown.length, text.split('\n').length);
    assert.not.match(shown.join('\n'), /s3cr3t/);
    for (const kept of ['tokens:', 'type: webhook', 'fine: "yes"'])
      assert.ok(shown.includes(kept) || shown.join('\n').includes(kept), kept);
  });

  test('have no secret in braces and brackets, however deep, in however many lines, and whether they are closed or not', () => {
    // Values that stand nowhere else: a password of a URL would be hidden wherever it is.
    const texts = [
      'masking: { salt: br4ce }',
      'masking: {salt: "br4ce"}',
      "a: { b: { c: { 'salt': br4ce, d: KEPT } } }",
      'a: { b: [ { token: br4ce }, { "api_key" : "br4ce" } ], d: KEPT }',
      'a: { tokens: [br4ce, br4ce], d: KEPT }',
      'a: { passwords: { x: br4ce, y: [br4ce, { z: br4ce }] }, d: KEPT }',
      'p: { x: 1, secret: br4ce, d: KEPT }',
      'a: { "my secret": br4ce, d: KEPT }',
      'a: { "s\\u0061lt": br4ce, d: KEPT }',
      'a: { !!str salt: !!str br4ce, d: KEPT }',
      'a: { salt : br4ce, d: KEPT }',
      'a: { salt:br4ce, d: KEPT }',
      'a: { ? salt : br4ce, d: KEPT }',
      'a: { ? salt\n  : br4ce, d: KEPT }',
      'a: { salt\n  : br4ce, d: KEPT }',
      'a: { "salt"\n  : br4ce, d: KEPT }',
      'a: {\n  salt: br4ce, d: KEPT }',
      'a: { x: 1,\n  y: 2, salt: br4ce, d: KEPT }',
      'a: { salt:\n  br4ce, d: KEPT }',
      'a: { salt:\n  "br4ce", d: KEPT }',
      'a: { salt: one\n  br4ce, d: KEPT }',
      'a: { salt: "one\n  two, br4ce\n  br4ce", d: KEPT }',
      "a: { salt: 'it''s, br4ce', d: KEPT }",
      'a: { salt: "one \\" br4ce, br4ce", d: KEPT }',
      'a: { tokens: [\n  br4ce,\n  "]", br4ce ], d: KEPT }',
      'tokens: [ "]",\n  br4ce,\nbr4ce ]\nd: KEPT',
      'a:\n  - { x: 1,\n      token: br4ce }\n  - d: KEPT',
      '{\n"a": {\n"salt":\n"br4ce"\n}, "d": "KEPT" }',
      'a: { x: &p br4ce, password: *p }',
      'a: { headers: { X-Api: br4ce }, d: KEPT }',
      'a: { headers:\n  { X-Api: br4ce,\n  Y: br4ce }, d: KEPT }',
      'headers: !!map { X-Api: br4ce,\n  Y: br4ce }\nd: KEPT',
      'masking: { salt: br4ce\nd: KEPT',
      'masking: { salt:\n"br4ce" }\nd: KEPT',
      'a: "x\nmasking: { salt: br4ce }\nd: KEPT',
      "a: { b: 'x, salt: 'br4ce', d: 'KEPT' }",
      'a: { b: "x, salt: br4ce\nd: KEPT',
      'a: { b: "x, y: 1,\n  z", salt:\n  "br4ce" }\nd: KEPT',
      'a: [ "salt: br4ce" ]\nd: KEPT',
      'a: { b: "x # y", salt: "br4ce" }\nd: KEPT',
      'a: ] } { salt: br4ce }\nd: KEPT',
      `a: { b: 1, ${'x'.repeat(2_000)},\n  salt:\n  br4ce }`,
    ];
    for (const text of texts) {
      const shown = shownYaml(text);
      assert.is(shown.length, text.split('\n').length);
      assert.not.match(shown.join('\n'), /br4ce/, text);
      if (text.includes('KEPT')) assert.match(shown.join('\n'), /KEPT/, text);
    }
    const nested = `a: ${'{ b: ['.repeat(100)}{ salt: br4ce }${'] }'.repeat(100)}`;
    assert.is(shownYaml(nested)[0], nested.replace('br4ce', '***'));
    const fine = `sources: { a: { url: "\${URL}", token: "\${TOKEN}", salt: \${SALT} }, b: [1, 'it''s', { c: x:y }] } # why
tables: { users: { columns: { mask: { token: hash, password: redact, salt: null } }, where: "a[1] = 'x, y: z'" } }
pipelines:
  sync: {
    tables: [users,
      "orders"],
    requireToken: true
  }
  other: { cron: "*/15 * * * *", at: 10:30 }`;
    assert.is(shownYaml(fine).join('\n'), fine);
    hideUrls('tables: { users: { columns: { mask: { password: hash }, types: { passwd: string } } } }\npassword: h1dden');
    assert.is(
      redact('masked: email (hash), phone (redact), ssn (null), a string; h1dden'),
      'masked: email (hash), phone (redact), ssn (null), a string; ***',
    );
  });

  test('take their time by their length, however odd a line of a megabyte is; all of it is hidden', () => {
    const long = 1_000_000;
    const odd = [
      'a',
      ' ',
      '- ',
      '\t',
      '"',
      "{ a: '",
      '# pass',
      ' #',
      '${',
      'http://a',
      'x://a:',
      'headers: {',
      '@',
      'a.',
      '{',
      'a: {',
      'a: ',
      'salt',
      'salt: {"',
      "'",
      '?',
      'salt "',
    ].flatMap((part) => {
      const line = part.repeat(long / part.length);
      return [line, `a${line}: x`, `password: ${line}`];
    });
    // Of the processor: how long a busy machine takes says nothing.
    const before = process.cpuUsage();
    for (const line of odd) assert.equal(shownYaml(`${line}\nfine: 1`)[0], '***');
    const short = odd.map((line) => line.slice(0, 2_000));
    shownYaml(short.join('\n'));
    for (const line of short) shownYaml(line);
    const { user } = process.cpuUsage(before);
    assert.ok(user < 10_000_000, `${user / 1_000} ms`);
  });

  test('passwords of URLs are found in long texts as fast', () => {
    const beganMs = performance.now();
    for (const part of ['a.', 'x://a:', 'http://a', '@', 'a@', 'x://a:b@']) {
      const text = part.repeat(200_000 / part.length);
      hideUrls(text);
      redact(text);
    }
    assert.ok(performance.now() - beganMs < 5_000, `${performance.now() - beganMs} ms`);
    const told = 'at postgres://me:p@w@db/x, (s3+http://a:b://c@d) and https://host:80/x y@z';
    assert.is(redact(told), 'at postgres://me:***@w@db/x, (s3+http://a:***@d) and https://host:80/x y@z');
  });
});
