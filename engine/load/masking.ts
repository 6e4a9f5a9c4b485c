import { keepSecret } from '../base/secret.ts';
import type { MaskingConfig, MaskKind } from '../config.ts';
import type { Findings } from './findings.ts';
import type { RawConfig } from './raw.ts';

const saltCharacters = 16;

const makeSalt =
  'Make one with `openssl rand -hex 32`, keep it in the environment or in .env, and write `masking: { salt: ${MASK_SALT} }`.';

/** What columns are hashed with. The salt is kept secret from then on. */
export function readMasking(raw: RawConfig, findings: Findings): MaskingConfig {
  const salt = raw.masking?.salt;
  keepSecret(salt);
  if (salt !== undefined && salt.length < saltCharacters && !findings.spoiled('/masking/salt'))
    findings.on('/masking/salt', 'value', {
      code: 'config.mask-salt',
      message: `the salt has fewer than ${saltCharacters} characters, so that it can be guessed, and with it every value`,
      hint: makeSalt,
    });
  return { salt };
}

/** True when a salt is given, or is known to be wrong already. */
export function isSalted(raw: RawConfig, findings: Findings): boolean {
  return raw.masking?.salt !== undefined || findings.spoiled('/masking/salt') || findings.spoiled('/masking');
}

/** Findings where a mask stands against what else is said of its column; `placeOf` says where it stands. */
export function checkMask(
  mask: Readonly<Record<string, MaskKind>>,
  beside: {
    readonly key: readonly string[] | undefined;
    readonly cursor: string | undefined;
    readonly types: Readonly<Record<string, unknown>>;
    readonly salted: boolean;
  },
  placeOf: (column: string) => string,
  findings: Findings,
): void {
  for (const [column, kind] of Object.entries(mask)) {
    const place = placeOf(column);
    const tell = (message: string, hint: string): void => findings.on(place, 'key', { code: 'config.mask', message, hint });
    if (beside.key?.includes(column) === true && kind !== 'hash')
      tell(
        `the column \`${column}\` is of the key, by which rows are merged: its mask can only be a hash`,
        'Choose `hash`, or give the table another `key`.',
      );
    else if (beside.cursor === column)
      tell(
        `the column \`${column}\` is the cursor, so it cannot be masked: what is taken is decided by it`,
        'Name another `cursor`, or take the mask away.',
      );
    else if (Object.hasOwn(beside.types, column))
      tell(
        `the column \`${column}\` is both masked and given a type`,
        `A mask decides the type by itself: remove \`${column}\` from \`types\`.`,
      );
    if (kind === 'hash' && !beside.salted)
      findings.on(place, 'value', {
        code: 'config.mask-salt',
        message: `\`hash\` needs a salt: without one, whoever hashes a list of likely values reads \`${column}\` as if it were plain`,
        hint: makeSalt,
      });
  }
}
