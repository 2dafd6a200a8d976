/** IndexedDB's events as promises. */

export function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException("The request failed", "UnknownError"));
  });
}

/** Resolves when everything that the transaction wrote is committed. */
export function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException("The transaction was aborted", "AbortError"));
  });
}

/** Keys and values of a range in key order, read together, so that they belong together. */
export async function entries<T>(
  store: IDBObjectStore,
  range: IDBKeyRange | undefined,
  limit: number,
): Promise<[IDBValidKey, T][]> {
  const [keys, values] = await Promise.all([
    resultOf(store.getAllKeys(range, limit)),
    resultOf(store.getAll(range, limit) as IDBRequest<T[]>),
  ]);
  return keys.map((key, i) => [key, values[i] as T]);
}
