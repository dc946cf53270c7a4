// Questions to the API for one part of the page: what an older one brings comes too late, and is dropped.
class Questions {
  constructor(place) {
    this.place = place;
    this.latest = 0;
    this.isWaiting = false;
  }

  async ask(question, take) {
    const number = ++this.latest;
    this.isWaiting = true;
    try {
      const answer = await question();
      if (number !== this.latest) return;
      show(this.place, null);
      await take(answer);
    } catch (problem) {
      if (number !== this.latest) return;
      if (problem.isAboutKey) signOut(problem.message);
      else show(this.place, problem.message);
    } finally {
      if (number === this.latest) this.isWaiting = false;
    }
  }

  drop() {
    this.latest += 1;
    this.isWaiting = false;
  }
}
