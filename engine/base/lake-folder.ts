/**
 * The folder of a table in the lake: one path segment that is safe on every file system and in S3. All but `A-Z a-z 0-9 _ . -` is
 * written as `~XX` (its UTF-8 bytes; not `%XX`, which delta-rs decodes in folder names), and so is a leading `.` or `_`, which Delta and Spark readers take for hidden files. Two names differ
 * in it whenever they differ, but a case-insensitive file system makes one of `Users` and `users`: the configuration refuses such pairs.
 */
export function lakeFolder(name: string): string {
  let folder = '';
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte);
    const plain = /[A-Za-z0-9_.-]/.test(char) && !(folder === '' && (char === '.' || char === '_'));
    folder += plain ? char : `~${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return folder;
}
