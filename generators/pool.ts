import type { Random } from './random.ts';

/** Words that rows are put together from; made by faker once, because a whole row of faker's takes 50 times as long. */
export interface Pool {
  readonly firstNames: readonly string[];
  readonly lastNames: readonly string[];
  readonly domains: readonly string[];
  readonly countries: readonly string[];
  readonly merchants: readonly string[];
  readonly descriptions: readonly string[];
  readonly devices: readonly string[];
  readonly cities: readonly string[];
}

function many(count: number, make: (i: number) => string): string[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** The pool of a seed. Texts hold quotes, newlines, tabs, backslashes and letters beyond ASCII, as people's do. */
export async function createPool(seed: number): Promise<Pool> {
  const { base, cs_CZ, de, el, en, Faker, fr, ja } = await import('@faker-js/faker');
  const fakers = [en, en, en, de, fr, cs_CZ, el, ja].map((locale, i) => {
    const faker = new Faker({ locale: locale === en ? [en, base] : [locale, en, base] });
    faker.seed(seed * 31 + i);
    return faker;
  });
  const of = (i: number): InstanceType<typeof Faker> => fakers[i % fakers.length] ?? new Faker({ locale: [en, base] });
  const english = of(0);
  return {
    firstNames: many(1600, (i) => of(i).person.firstName()),
    lastNames: many(2400, (i) => of(i).person.lastName()),
    domains: many(60, () => english.internet.domainName()),
    countries: many(80, () => english.location.countryCode('alpha-2')),
    merchants: many(900, (i) => of(i).company.name()),
    descriptions: many(4000, (i) => describe(english, of(i).commerce.productName(), english.lorem.sentence({ min: 3, max: 9 }), i)),
    devices: many(40, () => english.helpers.arrayElement(['ios', 'android', 'web', 'pos', 'kiosk'])),
    cities: many(300, (i) => of(i).location.city()),
  };
}

function describe(faker: { readonly number: { float(): number } }, product: string, sentence: string, i: number): string {
  switch (i % 10) {
    case 0:
      return `"${product}", ${sentence}`;
    case 1:
      return `${product}\n${sentence}`;
    case 2:
      return `${sentence} – don't ask 🙂`;
    case 3:
      return `${product}\t(${faker.number.float().toFixed(3)})\r\n${sentence}`;
    case 4:
      return `C:\\temp\\${product}.txt`;
    default:
      return `${product}: ${sentence}`;
  }
}

/** A hexadecimal text of 8 characters for each count. */
export function hex(random: Random, words: number): string {
  let text = '';
  for (let i = 0; i < words; i += 1)
    text += Math.floor(random.next() * 4294967296)
      .toString(16)
      .padStart(8, '0');
  return text;
}
