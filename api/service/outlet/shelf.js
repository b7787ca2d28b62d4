// What the browser keeps for this page, in one IndexedDB: "keys" has this computer's key, "desk" the work of this desk.

const NAME = "waybill-device";
const STORES = ["keys", "desk"];

/** Read or change one of the two; done when the browser has it on disk. */
export function shelf(store, mode, act) {
  return new Promise((done, failed) => {
    const opening = indexedDB.open(NAME, 2);
    opening.onupgradeneeded = () => {
      const there = opening.result.objectStoreNames;
      for (const each of STORES) if (!there.contains(each)) opening.result.createObjectStore(each);
    };
    opening.onerror = () => failed(opening.error);
    opening.onsuccess = () => {
      const kept = opening.result.transaction(store, mode, { durability: "strict" }).objectStore(store);
      const asked = act(kept);
      asked.transaction.oncomplete = () => (opening.result.close(), done(asked.result ?? null));
      asked.transaction.onabort = () => (opening.result.close(), failed(asked.transaction.error));
    };
  });
}
