/** A sentence in which names and commands stand between backticks. It is text, whatever it holds. */
export function Prose({ text }: { readonly text: string }) {
  const parts = text.split('`');
  // An odd number of backticks is no pair: then they are shown as they are.
  if (parts.length % 2 === 0) return <>{text}</>;
  return (
    <>
      {parts.map((part, index) =>
        index % 2 === 0 ? (
          part
        ) : (
          <span key={index} class="name">
            {part}
          </span>
        ),
      )}
    </>
  );
}
