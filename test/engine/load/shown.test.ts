import * as assert from 'uvu/assert';
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
});
