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
    const text = `masking: { salt: "s3cr3t-one" }
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

  test('take their time by their length, however odd a line of a megabyte is; all of it is hidden', () => {
    const long = 1_000_000;
    const odd = ['a', ' ', '- ', '\t', '"', "{ a: '", '# pass', ' #', '${', 'http://a', 'x://a:', 'headers: {', '@', 'a.'].flatMap(
      (part) => {
        const line = part.repeat(long / part.length);
        return [line, `a${line}: x`, `password: ${line}`];
      },
    );
    const beganMs = performance.now();
    for (const line of odd) assert.equal(shownYaml(`${line}\nfine: 1`)[0], '***');
    const short = odd.map((line) => line.slice(0, 2_000));
    shownYaml(short.join('\n'));
    assert.ok(performance.now() - beganMs < 5_000, `${performance.now() - beganMs} ms`);
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
